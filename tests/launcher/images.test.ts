/** offline/images without the real package managers: caching, crash-safety, errors, and the mirror's protocol. */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { buildLayers, readBases } from "../../offline/images/bases.mjs";
import { cachedFolder, inputsKey, removeLeftovers, removeUnused } from "../../offline/images/cache.mjs";
import { BuildError, run, type Step } from "../../offline/images/command.mjs";
import { buildLayer, packFolder, type LayerRecipe } from "../../offline/images/layers.mjs";
import { mirrorStatus, publish, publishLater, publishLayout, startMirror, stopMirror } from "../../offline/images/mirror.mjs";
import { writeImage } from "../../offline/images/oci.mjs";
import { ownIdentity, processStartTime } from "../../offline/images/process.mjs";
import { debianSources } from "../../offline/images/recipes/debian.mjs";
import { recorder } from "./fixtures/recorder.ts";

const SLOW_BUILD = join(import.meta.dirname, "fixtures", "build-layer.mjs");

let scratch: string;
let root: string;
const started: ChildProcess[] = [];

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "images-test-"));
  root = join(scratch, "images");
  mkdirSync(root);
});

afterEach(async () => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
  await stopMirror({ mirrorDir: join(scratch, "mirror") });
  rmSync(scratch, { recursive: true, force: true });
});

function recipe(name: string, build: LayerRecipe["build"], inputs: unknown[] = [name]): LayerRecipe {
  return { name, title: `layer ${name}`, createdBy: "test", inputs: async () => inputs, build };
}

/** A recipe whose layer is the given folder. */
function folderRecipe(name: string, folder: string): LayerRecipe {
  return recipe(name, ({ step, pack }) => packFolder(step, folder, pack));
}

function folderWith(name: string, files: Record<string, string>): string {
  const folder = join(scratch, name);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

function context() {
  return { root, progress: recorder().progress, signal: new AbortController().signal };
}

/** Starts the slow build in a process of its own and waits for its command to run. */
async function startSlowBuild(seconds: number) {
  const folder = folderWith("content", { "file.txt": "content" });
  const child = spawn(process.execPath, [SLOW_BUILD, root, folder, String(seconds)], { stdio: ["ignore", "pipe", "inherit"] });
  started.push(child);
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  const line = (word: string) =>
    vi.waitUntil(() => lines.find((text) => text.startsWith(`${word} `))?.slice(word.length + 1), { timeout: 20_000 });
  return { child, commandPid: Number(await line("building")), digest: () => line("layer") };
}

const entries = () => readdirSync(root).filter((name) => name !== "logs");

describe("the cache folder", () => {
  it("keeps nothing of a build that failed", async () => {
    const entry = { root, name: "thing", key: inputsKey([1]) };
    const failing = cachedFolder(entry, async (folder) => {
      writeFileSync(join(folder, "half"), "");
      throw new Error("disk full");
    });
    await expect(failing).rejects.toThrow("disk full");
    expect(readdirSync(root)).toEqual([]);
  });

  it("builds once per key", async () => {
    const fill = vi.fn(async (folder: string) => writeFileSync(join(folder, "done"), ""));
    const first = await cachedFolder({ root, name: "thing", key: inputsKey(["a"]) }, fill);
    const second = await cachedFolder({ root, name: "thing", key: inputsKey(["a"]) }, fill);
    const other = await cachedFolder({ root, name: "thing", key: inputsKey(["b"]) }, fill);
    expect([first.cached, second.cached, other.cached]).toEqual([false, true, false]);
    expect(second.path).toBe(first.path);
    expect(fill).toHaveBeenCalledTimes(2);
  });

  it("removes what dead processes left and keeps what a living one builds", async () => {
    const { pid, startTime } = ownIdentity();
    const names = {
      living: `.tmp-${pid}-${startTime}-00000001`,
      recycled: `.tmp-${pid}-${Number(startTime) - 1}-00000002`,
      dead: ".tmp-4194305-17-00000003",
      finished: "thing-0123",
    };
    for (const name of Object.values(names)) mkdirSync(join(root, name));
    const removed = await removeLeftovers(root);
    expect(removed.sort()).toEqual([names.dead, names.recycled].sort());
    expect(readdirSync(root).sort()).toEqual([names.living, names.finished].sort());
  });

  it("removes entries that were not used for two weeks", async () => {
    const fill = async (folder: string) => writeFileSync(join(folder, "done"), "");
    const entry = (name: string) => ({ root, name, key: inputsKey([name]) });
    const days = (count: number) => new Date(Date.now() - count * 24 * 3600 * 1000);
    for (const [name, age] of [["recent", 13], ["used", 15], ["old", 15]] as const) {
      const { path } = await cachedFolder(entry(name), fill);
      utimesSync(path, days(age), days(age));
    }
    await cachedFolder(entry("used"), fill);
    expect(await removeUnused(root)).toEqual([expect.stringMatching(/^old-/)]);
    expect(readdirSync(root)).toEqual([expect.stringMatching(/^recent-/), expect.stringMatching(/^used-/)]);
  });

  it("a build killed half-way leaves no running command and nothing that is taken for finished", async () => {
    const build = await startSlowBuild(600);
    build.child.kill("SIGKILL");
    await vi.waitUntil(() => processStartTime(build.commandPid) === undefined, { timeout: 5_000 });
    expect(entries()).toEqual([expect.stringMatching(/^\.tmp-/)]);
    await removeLeftovers(root);
    expect(entries()).toEqual([]);
  });

  it("two processes that build the same layer at once get one result", async () => {
    const builds = await Promise.all([startSlowBuild(1), startSlowBuild(1)]);
    const [first, second] = await Promise.all(builds.map((build) => build.digest()));
    expect(first).toMatch(/^sha256:/);
    expect(second).toBe(first);
    await vi.waitUntil(() => builds.every((build) => build.child.exitCode === 0), { timeout: 5_000 });
    expect(entries()).toEqual([expect.stringMatching(/^layer-slow-[0-9a-f]{64}$/)]);
  });
});

describe("a failing build", () => {
  const numbers = "for i in $(seq 30); do echo line $i; done; echo broken >&2; exit 3";

  it.each(["apt", "npm", "Go modules"] as const)("names %s, its last 20 lines, the log and the next step", async (manager) => {
    const { events, progress } = recorder();
    const failing = recipe("bad", ({ step }) => run(step, manager, ["sh", "-c", numbers]));
    const error = await buildLayer(failing, { ...context(), progress }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(BuildError);
    const { message, tail, logFile } = error as BuildError;
    expect(message).toContain(`layer bad: ${manager} failed: exit code 3`);
    expect(tail).toHaveLength(20);
    expect(message).toContain("line 30");
    expect(message).toContain("broken");
    expect(message).not.toContain("line 5\n");
    expect(message).toContain(`log: ${logFile}`);
    expect(message).toMatch(/next: check .*, then run the same command again/);
    const log = readFileSync(logFile, "utf8");
    expect(log).toContain("line 1\n");
    expect(log).toContain("broken");
    expect(events).toEqual([`layer bad: layer bad: ${manager} failed: exit code 3`]);
    expect(entries()).toEqual([]);
  });

  it("says when a command does not exist", async () => {
    const failing = recipe("bad", ({ step }) => run(step, "npm", ["no-such-command"]));
    await expect(buildLayer(failing, context())).rejects.toThrow(/npm failed: exit code 127[^]*no-such-command/);
  });

  it("stops the other builds at once and is the error that is thrown", async () => {
    let pid = 0;
    const endless = recipe("endless", async ({ step }) => {
      const log = (line: string) => void (pid = Number(line));
      await run({ ...step, log } satisfies Step, "npm", ["sh", "-c", 'echo $(cut -d" " -f4 /proc/self/stat); exec sleep 600']);
    });
    const failing = recipe("bad", async ({ step }) => {
      await vi.waitUntil(() => pid > 0);
      await run(step, "apt", ["false"]);
    });
    await expect(buildLayers([endless, failing], { root, progress: recorder().progress })).rejects.toThrow("layer bad: apt failed: exit code 1");
    expect(processStartTime(pid)).toBeUndefined();
    expect(entries()).toEqual([]);
  });

  it("keeps the layers that were finished", async () => {
    const good = folderRecipe("good", folderWith("good", { a: "a" }));
    const failing = recipe("bad", async ({ step }) => {
      await vi.waitUntil(() => entries().some((name) => name.startsWith("layer-good-")), { timeout: 10_000 });
      await run(step, "apt", ["false"]);
    });
    await expect(buildLayers([good, failing], { root, progress: recorder().progress })).rejects.toThrow("apt failed");
    const { events, progress } = recorder();
    await buildLayers([good], { root, progress });
    expect(events).toEqual(["layer good: cached"]);
  });

  it("is cancelled by the caller's signal", async () => {
    const stop = new AbortController();
    const endless = recipe("endless", async ({ step }) => {
      const log = () => stop.abort(new Error("interrupted"));
      await run({ ...step, log }, "npm", ["sh", "-c", "echo started; exec sleep 600"]);
    });
    await expect(buildLayers([endless], { root, progress: recorder().progress, signal: stop.signal })).rejects.toThrow("interrupted");
    expect(entries()).toEqual([]);
  });
});

describe("layers and images", () => {
  it("equal content gives an equal layer, whatever the times and permissions of its files", async () => {
    const files = { "usr/bin/tool": "#!/bin/sh\n", "etc/b.conf": "b", "etc/a.conf": "a" };
    const one = folderWith("one", files);
    const two = folderWith("two", Object.fromEntries(Object.entries(files).reverse()));
    utimesSync(join(two, "etc/a.conf"), 1, 1);
    chmodSync(join(two, "etc/a.conf"), 0o600);
    for (const folder of [one, two]) chmodSync(join(folder, "usr/bin/tool"), 0o755);
    const [first, second] = [await buildLayer(folderRecipe("one", one), context()), await buildLayer(folderRecipe("two", two), context())];
    expect(second.digest).toBe(first.digest);

    chmodSync(join(two, "usr/bin/tool"), 0o644);
    const third = await buildLayer(folderRecipe("three", two), context());
    expect(third.digest).not.toBe(first.digest);
  });

  it("the files of a layer stand in the order of their names", async () => {
    const names = Array.from({ length: 12 }, (_, index) => `file-${String.fromCharCode(108 - index)}`);
    const layer = await buildLayer(folderRecipe("sorted", folderWith("sorted", Object.fromEntries(names.map((name) => [name, name])))), context());
    const listing = execFileSync("tar", ["--zstd", "--list", "--file", layer.blob], { encoding: "utf8" });
    expect(listing.trim().split("\n")).toEqual(["./", ...names.map((name) => `./${name}`).sort()]);
  });

  it("an image is a valid OCI layout that shares its layers' blobs", async () => {
    const layer = await buildLayer(folderRecipe("base", folderWith("base", { "etc/os-release": "ID=test\n" })), context());
    const image = await writeImage({ root, name: "team/base", tag: "1", layers: [layer], config: { Env: ["A=b"] } });
    const blob = (digest: string) => join(image.path, "blobs", "sha256", digest.slice(7));
    for (const name of readdirSync(join(image.path, "blobs", "sha256"))) {
      const content = readFileSync(join(image.path, "blobs", "sha256", name));
      expect(createHash("sha256").update(content).digest("hex")).toBe(name);
    }
    const { manifests } = JSON.parse(readFileSync(join(image.path, "index.json"), "utf8"));
    const manifest = JSON.parse(readFileSync(blob(manifests[0].digest), "utf8"));
    const configuration = JSON.parse(readFileSync(blob(manifest.config.digest), "utf8"));
    expect(manifest.layers).toEqual([{ mediaType: "application/vnd.oci.image.layer.v1.tar+zstd", digest: layer.digest, size: layer.size }]);
    expect(configuration).toMatchObject({ os: "linux", config: { Env: ["A=b"] }, rootfs: { type: "layers", diff_ids: [layer.diffId] } });
    expect(statSync(blob(layer.digest)).ino).toBe(statSync(layer.blob).ino);
  });
});

describe("the list of base images", () => {
  it("has a recipe for every image of docker/bases.json", async () => {
    const { bases, without } = await readBases();
    expect(bases.map(({ name, tag }) => `${name}:${tag}`)).toEqual(["debian:bookworm-slim", "debian:trixie-slim", "node:22-bookworm-slim", "golang:1.26-bookworm"]);
    expect(without).toEqual([]);
  });

  it("an image without a recipe is left out and named, with those that there are", async () => {
    const file = join(scratch, "bases.json");
    writeFileSync(file, JSON.stringify({ bases: [{ name: "alpine", tag: "3.20" }, { name: "debian", tag: "bookworm-slim" }] }));
    const { bases, without } = await readBases(file);
    expect(bases.map(({ name }) => name)).toEqual(["debian"]);
    expect(without.join()).toMatch(/lists alpine:3\.20, which has no offline recipe; there are debian:bookworm-slim/);
  });

  it.each([
    { machine: "with its own mirror", targets: "http://m/debian/ bookworm main Debian\nhttp://m/debian/ bookworm contrib Debian\nhttp://m/sec/ bookworm-security main Debian\n", sources: ["deb http://m/debian/ bookworm main contrib", "deb http://m/sec/ bookworm-security main"] },
    { machine: "with foreign repositories", targets: "http://m/debian/ bookworm main Debian\nhttp://x/ bookworm main Somebody\n", sources: ["deb http://m/debian/ bookworm main"] },
    { machine: "of another release", targets: "http://m/debian/ trixie main Debian\nhttp://m/sec/ trixie-security main Debian\n", sources: ["deb http://m/debian/ bookworm main", "deb http://m/sec/ bookworm-security main"] },
    { machine: "of a release that nobody knows here", targets: "http://m/debian/ sid main Debian\n", sources: [] },
    { machine: "without package lists", targets: "", sources: [] },
  ])("a machine $machine gives the sources it should", ({ targets, sources }) => {
    expect(debianSources(targets, "bookworm")).toEqual(sources);
  });
});

interface Answer {
  status: number;
  reason: string;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

describe("the mirror", () => {
  const options = () => ({ mirrorDir: join(scratch, "mirror"), address: "127.0.0.1", logFile: join(scratch, "mirror.log") });

  async function publishedImage(name = "debian", tag = "bookworm-slim") {
    const layer = await buildLayer(folderRecipe("base", folderWith("base", { "a.txt": "a".repeat(1000) })), context());
    const { path: layout } = await writeImage({ root, name, tag, layers: [layer], config: {} });
    await publish({ mirrorDir: options().mirrorDir, images: [{ name, tag, layout }] });
    const index = JSON.parse(readFileSync(join(layout, "index.json"), "utf8"));
    return { layout, layer, manifestDigest: index.manifests[0].digest as string };
  }

  function ask(port: number, path: string, { method = "GET", headers = {} }: { method?: string; headers?: Record<string, string> } = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const call = request({ host: "127.0.0.1", port, path, method, headers, agent: false }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, reason: response.statusMessage ?? "", headers: response.headers, body: Buffer.concat(chunks) }),
        );
      });
      call.on("error", reject);
      call.end();
    });
  }

  it("serves manifest and blobs of a published image to HEAD and GET", async () => {
    const { layer, manifestDigest } = await publishedImage();
    const { port } = await startMirror(options());
    for (const path of ["/v2/library/debian/manifests/bookworm-slim?ns=docker.io", "/v2/debian/manifests/bookworm-slim", `/v2/library/debian/manifests/${manifestDigest}`]) {
      const head = await ask(port, path, { method: "HEAD" });
      const get = await ask(port, path);
      expect(head.status, path).toBe(200);
      expect(head.headers).toMatchObject({ "docker-content-digest": manifestDigest, "content-type": "application/vnd.oci.image.manifest.v1+json" });
      expect(head.headers["content-length"]).toBe(String(get.body.length));
      expect(`sha256:${createHash("sha256").update(get.body).digest("hex")}`).toBe(manifestDigest);
    }
    const blob = await ask(port, `/v2/library/debian/blobs/${layer.digest}`);
    expect(blob.body.equals(readFileSync(layer.blob))).toBe(true);
    const part = await ask(port, `/v2/library/debian/blobs/${layer.digest}`, { headers: { range: "bytes=10-19" } });
    expect(part.status).toBe(206);
    expect(part.headers["content-range"]).toBe(`bytes 10-19/${layer.size}`);
    expect(part.body.equals(readFileSync(layer.blob).subarray(10, 20))).toBe(true);
    const tags = await ask(port, "/v2/library/debian/tags/list");
    expect(JSON.parse(tags.body.toString())).toEqual({ name: "debian", tags: ["bookworm-slim"] });
  });

  it.each([
    { path: "/v2/library/alpine/manifests/3.20?ns=docker.io", image: "alpine:3.20" },
    { path: "/v2/library/debian/manifests/trixie?ns=docker.io", image: "debian:trixie" },
    { path: "/v2/team/tool/manifests/1?ns=registry.example", image: "registry.example/team/tool:1" },
    { path: `/v2/library/debian/manifests/sha256:${"0".repeat(64)}`, image: `debian@sha256:${"0".repeat(64)}` },
  ])("refuses $image and says what is available", async ({ path, image }) => {
    await publishedImage();
    const { port } = await startMirror(options());
    const message = `image ${image} is not available offline; available: debian:bookworm-slim; see docker/bases.json`;
    const head = await ask(port, path, { method: "HEAD" });
    expect([head.status, head.reason]).toEqual([403, message]);
    const get = await ask(port, path);
    expect(JSON.parse(get.body.toString())).toEqual({ errors: [{ code: "DENIED", message }] });
  });

  describe("asked for an image that is still being built", () => {
    const manifest = "/v2/todo-chat/node/manifests/v1?ns=docker.io";
    const late = { name: "todo-chat/node", tag: "v1" };

    /** A build under way, and how it ends. */
    async function building(signal = new AbortController().signal) {
      const { mirrorDir } = options();
      let finish: (image: { name: string; tag: string; layout: string }) => void = () => undefined;
      let fail: (error: Error) => void = () => undefined;
      const { published } = await publishLater({ mirrorDir, ...late, signal }, () => new Promise((resolve, reject) => ([finish, fail] = [resolve, reject])));
      return { published, finish: (layout: string) => finish({ ...late, layout }), fail: (error: Error) => fail(error) };
    }

    it("waits for it, and for no other", async () => {
      const { port } = await startMirror(options());
      const build = await building();
      const waiting = ask(port, manifest, { method: "HEAD" });
      const { layout, manifestDigest } = await publishedImage();
      expect((await ask(port, "/v2/library/debian/manifests/bookworm-slim")).status).toBe(200);
      expect(await Promise.race([waiting, sleep(600, "waits")])).toBe("waits");
      build.finish(layout);
      await build.published;
      expect((await waiting).headers["docker-content-digest"]).toBe(manifestDigest);
    });

    it("does not give what the name meant before", async () => {
      const { port } = await startMirror(options());
      await publishedImage(late.name, late.tag);
      const build = await building();
      expect(await Promise.race([ask(port, manifest), sleep(600, "waits")])).toBe("waits");
      build.fail(new Error("go: no space left\nmore"));
      await expect(build.published).rejects.toThrow("no space left");
    });

    it("says why when the build fails", async () => {
      const { port } = await startMirror(options());
      const build = await building();
      const waiting = ask(port, manifest, { method: "HEAD" });
      build.fail(new Error("Kubernetes failed: go: no space left\nmore"));
      expect(await waiting).toMatchObject({ status: 403, reason: "image todo-chat/node:v1 is not available: Kubernetes failed: go: no space left" });
    });

    it("gives what the name meant before when the build is cut off", async () => {
      const { port } = await startMirror(options());
      const { manifestDigest } = await publishedImage(late.name, late.tag);
      const cut = new AbortController();
      const build = await building(cut.signal);
      cut.abort();
      build.fail(new Error("cut off"));
      await expect(build.published).rejects.toThrow("cut off");
      expect((await ask(port, manifest)).headers["docker-content-digest"]).toBe(manifestDigest);
    });

    it("does not wait for a process that has ended", async () => {
      const { port } = await startMirror(options());
      mkdirSync(join(options().mirrorDir, "refs"), { recursive: true });
      writeFileSync(join(options().mirrorDir, "refs", `${encodeURIComponent("todo-chat/node:v1")}.promised`), '{"pid": 4194305, "startTime": "17"}');
      expect(await ask(port, manifest)).toMatchObject({ status: 403, reason: expect.stringContaining("has ended; run the same command again") });
    });
  });

  it("serves no file outside the layouts and accepts no pushes", async () => {
    await publishedImage();
    const { port } = await startMirror(options());
    for (const path of ["/v2/library/debian/blobs/..%2f..%2findex.json", "/v2/library/debian/blobs/sha256:..%2f..%2findex.json", "/v2/debian/blobs/../../../etc/passwd", "/etc/passwd"]) {
      expect((await ask(port, path)).status, path).toBe(404);
    }
    expect((await ask(port, "/v2/library/debian/blobs/uploads/", { method: "POST" })).status).toBe(405);
  });

  it("offers an image published while it runs, from a folder or from an archive", async () => {
    const { port } = await startMirror(options());
    const { layout, manifestDigest } = await publishedImage();
    const archive = join(scratch, "node.tar");
    execFileSync("tar", ["--create", "--file", archive, "--directory", layout, "."]);
    const { mirrorDir } = options();
    await publishLayout({ mirrorDir, cacheDir: scratch, path: archive, name: "todo-chat/node", tag: "v1" });
    for (const name of ["library/debian/manifests/bookworm-slim", "todo-chat/node/manifests/v1"]) {
      const answer = await ask(port, `/v2/${name}`);
      expect(answer.headers["docker-content-digest"], name).toBe(manifestDigest);
    }
  });

  it("publishes nothing that is not an OCI layout", async () => {
    const { mirrorDir } = options();
    const folder = folderWith("plain", { file: "" });
    await expect(publishLayout({ mirrorDir, cacheDir: scratch, path: folder, name: "x", tag: "1" })).rejects.toThrow(`${folder} is not an OCI image layout`);
    expect(existsSync(join(mirrorDir, "refs"))).toBe(false);
  });

  it("starts once, moves to another address, and stops for good", async () => {
    const first = await startMirror(options());
    expect(await startMirror(options())).toEqual(first);
    const moved = await startMirror({ ...options(), address: "127.0.0.2" });
    expect(moved.pid).not.toBe(first.pid);
    expect(processStartTime(first.pid)).toBeUndefined();
    await stopMirror(options());
    await stopMirror(options());
    expect(processStartTime(moved.pid)).toBeUndefined();
    expect(await mirrorStatus(options())).toBeUndefined();
  });

  it("does not kill a stranger that has the number of a dead mirror", async () => {
    const stranger = spawn("sleep", ["600"]);
    started.push(stranger);
    const { mirrorDir } = options();
    mkdirSync(mirrorDir);
    writeFileSync(join(mirrorDir, "server.json"), JSON.stringify({ pid: stranger.pid, startTime: "1", address: "127.0.0.1", port: 9 }));
    expect(await mirrorStatus({ mirrorDir })).toBeUndefined();
    const { pid } = await startMirror(options());
    expect(pid).not.toBe(stranger.pid);
    await stopMirror({ mirrorDir });
    expect(processStartTime(Number(stranger.pid))).toBeDefined();
  });

  it("a port in use is an error that names address and log, and leaves no process", async () => {
    const occupied = createServer();
    await new Promise<void>((resolve) => occupied.listen(0, "127.0.0.1", resolve));
    const { port } = occupied.address() as AddressInfo;
    try {
      await expect(startMirror({ ...options(), port })).rejects.toThrow(
        new RegExp(`did not start on 127\\.0\\.0\\.1:${port}: .*EADDRINUSE.*; its log is ${options().logFile}`),
      );
      expect(await mirrorStatus(options())).toBeUndefined();
    } finally {
      occupied.close();
    }
  });
});
