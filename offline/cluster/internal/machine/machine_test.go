package machine

import (
	"slices"
	"testing"
)

func TestParseCgroups(t *testing.T) {
	cases := map[string]struct {
		text string
		want []hierarchy
	}{
		"version 1 and systemd's hierarchy": {
			"9:name=systemd:/engine\n2:cpu,cpuacct:/engine/x:y\n0::/\n",
			[]hierarchy{{"systemd", "none,name=systemd", "/engine"}, {"cpu,cpuacct", "cpu,cpuacct", "/engine/x:y"}, {"", "", "/"}},
		},
		"version 2": {"0::/system.slice/engine\n", []hierarchy{{"", "", "/system.slice/engine"}}},
		"nothing":   {"", nil},
	}
	for name, each := range cases {
		t.Run(name, func(t *testing.T) {
			if got := parseCgroups(each.text); !slices.Equal(got, each.want) {
				t.Errorf("got %v, want %v", got, each.want)
			}
		})
	}
}
