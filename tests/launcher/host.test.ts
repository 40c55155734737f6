/** Rules of what an engine adds to the machine: free networks, its processes, its identity. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { engineId } from "../../offline/engine/engine.mjs";
import { killProcesses, pickNetworks } from "../../offline/engine/host.mjs";

const LAPTOP = `1: lo    inet 127.0.0.1/8 scope host lo
2: eth0    inet 192.168.178.20/24 brd 192.168.178.255 scope global dynamic eth0
default via 192.168.178.1 dev eth0 proto dhcp
192.168.178.0/24 dev eth0 proto kernel scope link src 192.168.178.20
`;

describe("the networks of an engine", () => {
  it.each([
    { name: "on a laptop", listing: LAPTOP, seed: 0, link: "10.213.0.0/30", containers: "10.87.0.0/16" },
    { name: "of the second engine", listing: `${LAPTOP}10.213.0.0/30 dev tc00000000o\n`, seed: 0, link: "10.213.4.0/30", containers: "10.87.0.0/16" },
    { name: "with another seed", listing: LAPTOP, seed: 3, link: "10.213.12.0/30", containers: "10.87.0.0/16" },
    { name: "beside a route to all of 10.0.0.0/8", listing: `${LAPTOP}10.0.0.0/8 via 192.168.178.9 dev tun0\n`, seed: 0, link: "192.168.0.0/30", containers: "172.29.0.0/16" },
    { name: "beside a wider network that holds the first candidates", listing: `${LAPTOP}10.86.0.0/15 dev br0\n10.213.0.0/19 dev br1\n`, seed: 0, link: "10.213.32.0/30", containers: "10.214.0.0/16" },
    { name: "whose link lies in a candidate for the containers", listing: "10.0.0.0/8 dev a\n172.16.0.0/12 dev b\n192.168.0.0/17 dev c\n192.168.128.0/18 dev d\n192.168.192.0/20 dev e\n192.168.224.0/19 dev f\n", seed: 0, link: undefined, containers: undefined },
    { name: "beside a host route", listing: `${LAPTOP}10.213.0.2 dev wg0\n`, seed: 0, link: "10.213.4.0/30", containers: "10.87.0.0/16" },
    { name: "beside an address with host bits", listing: "3: br0 inet 10.87.3.4/16 scope global br0\n", seed: 0, link: "10.213.0.0/30", containers: "10.214.0.0/16" },
    { name: "where everything goes through one route", listing: "0.0.0.0/0 dev tun0\n", seed: 0, link: "10.213.0.0/30", containers: "10.87.0.0/16" },
    { name: "beside a network whose numbers only look like a candidate", listing: "110.87.0.0/16 dev a\n10.2.13.0/24 dev b\n", seed: 0, link: "10.213.0.0/30", containers: "10.87.0.0/16" },
  ])("$name", ({ listing, seed, link, containers }) => {
    if (link === undefined) expect(() => pickNetworks(listing, seed)).toThrow("no free private network");
    else expect(pickNetworks(listing, seed)).toMatchObject({ link, containers });
  });

  it("are two neighbours of one /30", () => {
    expect(pickNetworks("", 1)).toMatchObject({ outside: "10.213.4.1", inside: "10.213.4.2", link: "10.213.4.0/30" });
  });

  it("are refused when the machine uses all candidates", () => {
    expect(() => pickNetworks("10.0.0.0/8 dev a\n172.16.0.0/12 dev b\n192.168.0.0/16 dev c\n", 0)).toThrow(/no free private network for the engine/);
  });
});

describe("an engine's id", () => {
  let scratch: string;
  beforeEach(() => void (scratch = realpathSync(mkdtempSync(join(tmpdir(), "id-")))));
  afterEach(() => rmSync(scratch, { recursive: true, force: true }));

  it("depends on builds and cache folder, not on the way to it", () => {
    for (const name of ["one", "two"]) mkdirSync(join(scratch, name));
    symlinkSync(join(scratch, "one"), join(scratch, "link"));
    const id = engineId({ cacheDir: join(scratch, "one"), keys: ["a", "b"] });
    expect(id).toMatch(/^[0-9a-f]{8}$/);
    expect(engineId({ cacheDir: join(scratch, "link"), keys: ["a", "b"] })).toBe(id);
    expect(engineId({ cacheDir: join(scratch, "two"), keys: ["a", "b"] })).not.toBe(id);
    expect(engineId({ cacheDir: join(scratch, "one"), keys: ["a", "c"] })).not.toBe(id);
  });
});

describe("the processes of an engine that are in no control group yet", () => {
  const ID = "0000dead";
  const started: ChildProcess[] = [];
  afterEach(() => started.splice(0).forEach((child) => child.kill("SIGKILL")));

  /** A process with these arguments, which waits. */
  async function waiting(...args: string[]): Promise<ChildProcess> {
    const child = spawn("sh", ["-c", "echo started; read line", ...args], { stdio: ["pipe", "pipe", "ignore"] });
    started.push(child);
    await once(child.stdout, "data");
    return child;
  }

  it("are killed; those of other engines and mirrors are not", async () => {
    const own = [await waiting("/repo/enter.sh", "join", `todo-chat-${ID}`), await waiting("node", "/repo/mirror-server.mjs", "/cache/one/mirror", "10.0.0.1", "0")];
    const others = [
      await waiting("/repo/enter.sh", "join", "todo-chat-0000beef"),
      await waiting("node", "/repo/mirror-server.mjs", "/cache/other/mirror", "10.0.0.1", "0"),
      await waiting("less", `todo-chat-${ID}`, "/cache/one/mirror"),
    ];
    const ended = Promise.all(own.map((child) => once(child, "exit")));
    expect(await killProcesses(ID, "/cache/one/mirror")).toBe(2);
    expect((await ended).map(([, signal]) => signal)).toEqual(["SIGKILL", "SIGKILL"]);
    expect(others.map(({ exitCode, signalCode }) => [exitCode, signalCode])).toEqual([[null, null], [null, null], [null, null]]);
  });
});
