package netpol

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestRulesQueueOnlyNewConnectionsOfPods(t *testing.T) {
	var lines []string
	for _, args := range Rules(netip.MustParsePrefix("10.42.0.0/16")) {
		lines = append(lines, strings.Join(args, " "))
	}
	position := func(part string) int {
		index := slices.IndexFunc(lines, func(line string) bool { return strings.Contains(line, part) })
		if index < 0 {
			t.Fatalf("no rule with %q in\n%s", part, strings.Join(lines, "\n"))
		}
		return index
	}
	established := position("--ctstate ESTABLISHED,RELATED --jump RETURN")
	if established > position("--source 10.42.0.0/16 --jump NFQUEUE") || established > position("--destination 10.42.0.0/16 --jump NFQUEUE") {
		t.Error("replies would be queued")
	}
	position("--insert POSTROUTING --match owner --uid-owner 0 --jump RETURN")
	for _, line := range lines {
		if strings.Contains(line, "queue-bypass") {
			t.Errorf("a dead controller would let packets pass: %s", line)
		}
		if !strings.HasPrefix(line, "--wait --table mangle ") {
			t.Errorf("outside the mangle table, or without waiting for the lock: %s", line)
		}
	}
}
