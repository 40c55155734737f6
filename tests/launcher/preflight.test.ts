/** Bad machines: what the launcher says, and that it has changed nothing then. Root is needed for some of them. */
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { problem, unfitness } from "../../scripts/launcher/preflight.mjs";
import { cacheFolder } from "./fixtures/cache.ts";
import { LAUNCHER, start } from "./fixtures/programs.ts";

const GOOD = { platform: "linux", arch: "x64", uid: 0, go: "go version go1.26.8 linux/amd64", freeGiB: 100, cacheDir: "/cache", missing: [] as string[], built: false };

describe("a machine", () => {
  it.each([
    { name: "that has everything", machine: {}, says: undefined },
    { name: "with a newer Go", machine: { go: "go version go1.27rc1 linux/amd64" }, says: undefined },
    { name: "with a Go of the next decade", machine: { go: "go version go2.0 linux/amd64" }, says: undefined },
    { name: "of another system", machine: { platform: "darwin" }, says: /needs Linux on x86-64, this machine is darwin on x64/ },
    { name: "with another processor", machine: { arch: "arm64" }, says: /this machine is linux on arm64/ },
    { name: "without root", machine: { uid: 1000, go: undefined }, says: /needs root for namespaces and mounts; run: sudo env "PATH=\$PATH" node scripts\/dagger\.mjs/ },
    { name: "without packages", machine: { missing: ["runc", "tini"], go: undefined }, says: /run: apt-get update && apt-get install --yes --no-install-recommends runc tini$/ },
    { name: "without Go", machine: { go: undefined }, says: /no Go on the PATH; .* Go 1\.26 or newer/ },
    { name: "with an old Go", machine: { go: "go version go1.22.2 linux/amd64" }, says: /^Go 1\.22\.2 is too old; .* Go 1\.26 or newer/ },
    { name: "with a Go whose minor version has fewer digits", machine: { go: "go version go1.9 linux/amd64" }, says: /^Go 1\.9 is too old/ },
    { name: "with a Go that says something else", machine: { go: "gopher" }, says: /^Go 0\.0 is too old/ },
    { name: "with a disk too full for the first build", machine: { freeGiB: 14.94 }, says: /^only 14\.9 GiB are free in \/cache; the first build takes up to 15 GiB: .*TODO_CHAT_CACHE_DIR/ },
    { name: "with the same disk, when all is built", machine: { freeGiB: 14.94, built: true }, says: undefined },
    { name: "with a full disk, when all is built", machine: { freeGiB: 0.04, built: true }, says: /^only 0\.0 GiB are free .*npm run engine -- clean$/ },
  ])("$name", ({ machine, says }) => {
    const found = problem({ ...GOOD, ...machine });
    if (says === undefined) expect(found).toBeUndefined();
    else expect(found).toMatch(says);
  });

  it("the command to run is the one that was tried, as a shell reads it", () => {
    const argv = ["call", "backend", "with-exec", "--args=sh,-c,echo it's", "stdout"];
    expect(unfitness({ ...GOOD, uid: 1000 }, argv)).toContain(`sudo env "PATH=$PATH" node scripts/dagger.mjs call backend with-exec '--args=sh,-c,echo it'\\''s' stdout (`);
  });
});

describe("the launcher on", () => {
  let scratch: string;
  const folders: string[] = [];

  beforeEach(() => {
    scratch = mkdtempSync(join(tmpdir(), "preflight-"));
    folders.push(scratch);
  });

  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  });

  function warmCache(without: string[] = []): string {
    const folder = cacheFolder(without);
    folders.push(folder);
    return folder;
  }

  /** A PATH whose `go` is a script. */
  function pathWithGo(script: string): string {
    mkdirSync(join(scratch, "bin"));
    writeFileSync(join(scratch, "bin", "go"), `#!/bin/sh\n${script}\n`);
    chmodSync(join(scratch, "bin", "go"), 0o755);
    return `${join(scratch, "bin")}:${process.env["PATH"]}`;
  }

  /** Runs the launcher for the embedded engine, which must refuse. */
  async function refusal(env: Record<string, string | undefined>, argv = [process.execPath, LAUNCHER, "--engine", "embedded", "core", "version"]) {
    const [command = "", ...args] = argv;
    const program = start(command, args, { env });
    program.child.stdin?.end();
    const code = await program.ended;
    return { code, output: program.output() };
  }

  it("a user who is not root names the command, and touches nothing", async () => {
    // A copy, because another user may not read the repository.
    const clone = join(scratch, "clone");
    for (const folder of ["scripts", "offline", "dagger/way-in"]) cpSync(join(LAUNCHER, "../..", folder), join(clone, folder), { recursive: true, filter: (path) => !path.includes("node_modules") });
    cpSync(process.execPath, join(clone, "node"));
    chmodSync(scratch, 0o755);
    const cache = join(scratch, "cache");
    const { code, output } = await refusal({ TODO_CHAT_CACHE_DIR: cache }, ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", join(clone, "node"), join(clone, "scripts/dagger.mjs"), "--engine", "embedded", "call", "ci"]);
    expect(output).toMatch(/the embedded engine needs root for namespaces and mounts; run: sudo env "PATH=\$PATH" node scripts\/dagger\.mjs call ci/);
    expect(code).toBe(1);
    expect(existsSync(cache)).toBe(false);
  });

  it("no Go", async () => {
    mkdirSync(join(scratch, "bin"));
    for (const program of ["flock", "sh", "cat"]) symlinkSync(`/usr/bin/${program}`, join(scratch, "bin", program));
    const cache = join(scratch, "cache");
    const { code, output } = await refusal({ TODO_CHAT_CACHE_DIR: cache, PATH: join(scratch, "bin") });
    expect(output).toMatch(/no Go on the PATH; the embedded engine is built with Go 1\.26 or newer/);
    expect(code).toBe(1);
    expect(readdirSync(cache)).toEqual(["lock"]);
  });

  it("a Go that is too old", async () => {
    const cache = join(scratch, "cache");
    const { code, output } = await refusal({ TODO_CHAT_CACHE_DIR: cache, PATH: pathWithGo("echo go version go1.22.2 linux/amd64") });
    expect(output).toContain("Go 1.22.2 is too old; the embedded engine is built with Go 1.26 or newer");
    expect(code).toBe(1);
    expect(readdirSync(cache)).toEqual(["lock"]);
  });

  it("a disk that is nearly full", async () => {
    const disk = join(scratch, "disk");
    mkdirSync(disk);
    // The listing is printed inside, for the disk is gone with its mount namespace.
    const script = `mount -t tmpfs -o size=16m tmpfs ${disk} && "$@"; code=$?; echo "disk holds: $(ls ${disk})"; exit $code`;
    const { code, output } = await refusal({ TODO_CHAT_CACHE_DIR: disk }, ["unshare", "--mount", "sh", "-c", script, "sh", process.execPath, LAUNCHER, "--engine", "embedded", "core", "version"]);
    expect(output).toContain(`only 0.0 GiB are free in ${disk}; the first build takes up to 15 GiB`);
    expect(output).toMatch(/disk holds: lock$/m);
    expect(code).toBe(1);
  });

  it.each([
    { manager: "Go modules", without: ["engine-"], env: (folder: string) => ({ GOPROXY: "http://127.0.0.1:9", GOMODCACHE: join(folder, "modules"), GOCACHE: join(folder, "cache") }), says: /Dagger command line and engine: Go modules failed: exit code 1[^]*127\.0\.0\.1:9[^]*log: .*engine-build\.log\nnext: check `go env GOPROXY`/ },
    { manager: "npm", without: ["layer-node-"], env: (folder: string) => ({ npm_config_registry: "http://127.0.0.1:9/", npm_config_fetch_retries: "0", npm_config_cache: join(folder, "npm") }), says: /base image node \(npm\): npm failed: exit code \d+[^]*ECONNREFUSED[^]*log: .*node\.log\nnext: check that `npm ping` works/ },
    // NO_PROXY is heeded by Go and npm, which would fail too on a machine where nothing is built yet; apt does not know it.
    { manager: "apt", without: ["layer-debian-"], env: () => ({ http_proxy: "http://127.0.0.1:9", https_proxy: "http://127.0.0.1:9", NO_PROXY: "*" }), says: /base image debian(-13)? \(apt\): apt failed: exit code \d+[^]*log: .*debian(-13)?\.log\nnext: check that `apt-get update` works/ },
  ])("a network on which $manager cannot be reached", async ({ without, env, says }) => {
    const cache = warmCache(without);
    const { code, output } = await refusal({ TODO_CHAT_CACHE_DIR: cache, ...env(scratch) });
    expect(output).toMatch(says);
    expect(code).toBe(1);
    for (const folder of ["build", "images"]) {
      const names = existsSync(join(cache, folder)) ? readdirSync(join(cache, folder)) : [];
      expect(names.filter((name) => without.some((prefix) => name.startsWith(prefix)) || name.startsWith(".tmp-")), folder).toEqual([]);
    }
    expect(existsSync(join(cache, "engines"))).toBe(false);
  });
});
