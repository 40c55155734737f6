/** The dagger CLI that the npm SDK provisions, from a server of our own in the place of the real one. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sdkCli } from "../../scripts/launcher/sdk-cli.mjs";
import { recorder } from "./fixtures/recorder.ts";

let scratch: string;
let server: Server;
let requests: string[];
const environment = { ...process.env };

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "provision-"));
  process.env["XDG_CACHE_HOME"] = join(scratch, "cache");
  requests = [];
});

afterEach(() => {
  process.env = { ...environment };
  server?.closeAllConnections();
  server?.close();
  rmSync(scratch, { recursive: true, force: true });
});

/** Serves an archive with a program that prints its version, and its checksum. */
async function serve({ checksum, hangs = false }: { checksum?: string; hangs?: boolean } = {}): Promise<string[]> {
  mkdirSync(join(scratch, "content"));
  writeFileSync(join(scratch, "content", "dagger"), "#!/bin/sh\necho dagger of the test\n");
  chmodSync(join(scratch, "content", "dagger"), 0o755);
  const archive = join(scratch, "dagger.tar.gz");
  execFileSync("tar", ["--create", "--gzip", "--file", archive, "--directory", join(scratch, "content"), "dagger"]);
  const content = readFileSync(archive);
  const sum = checksum ?? createHash("sha256").update(content).digest("hex");
  server = createServer((request, response) => {
    requests.push(String(request.url));
    if (hangs) return;
    response.end(request.url === "/dagger.tar.gz" ? content : `${sum}  dagger.tar.gz\n`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return [`http://127.0.0.1:${port}/dagger.tar.gz`, `http://127.0.0.1:${port}/checksums.txt`];
}

const provision = (urls: string[], signal = new AbortController().signal) => sdkCli({ progress: recorder().progress, signal, urls });

describe("the CLI of the npm SDK", () => {
  it("is downloaded once, checked, and runs", async () => {
    const urls = await serve();
    const path = await provision(urls);
    expect(path.startsWith(join(scratch, "cache", "dagger"))).toBe(true);
    expect(execFileSync(path, { encoding: "utf8" })).toBe("dagger of the test\n");
    expect(await provision(urls)).toBe(path);
    expect(requests).toEqual(["/dagger.tar.gz", "/checksums.txt"]);
  });

  it("is refused when its checksum is another", async () => {
    await expect(provision(await serve({ checksum: "0".repeat(64) }))).rejects.toThrow(/^downloading the dagger command line failed: .*checksum mismatch: expected 0000/);
    expect(readdirSync(join(scratch, "cache", "dagger"))).toEqual([]);
  });

  it("says why it cannot be downloaded", async () => {
    const closed = ["http://127.0.0.1:9/dagger.tar.gz", "http://127.0.0.1:9/checksums.txt"];
    await expect(provision(closed)).rejects.toMatchObject({ name: "LauncherError", message: expect.stringMatching(/downloading the dagger command line failed: .*ECONNREFUSED/) });
  });

  it("stops a download that hangs when it is told to", async () => {
    const urls = await serve({ hangs: true });
    const stop = new AbortController();
    server.once("request", () => stop.abort(new Error("interrupted")));
    await expect(provision(urls, stop.signal)).rejects.toThrow("interrupted");
  });

  it("names npm when the packages of the repository cannot be installed", async () => {
    const root = join(scratch, "clone");
    mkdirSync(root);
    const dependencies = { "no-such-package": "1.0.0" };
    writeFileSync(join(root, "package.json"), JSON.stringify({ name: "clone", version: "1.0.0", dependencies }));
    const packages = { "": { name: "clone", version: "1.0.0", dependencies }, "node_modules/no-such-package": { version: "1.0.0", integrity: `sha512-${"A".repeat(86)}==` } };
    writeFileSync(join(root, "package-lock.json"), JSON.stringify({ name: "clone", version: "1.0.0", lockfileVersion: 3, packages }));
    Object.assign(process.env, { npm_config_registry: "http://127.0.0.1:9/", npm_config_fetch_retries: "0", npm_config_cache: join(scratch, "npm") });
    await expect(sdkCli({ progress: recorder().progress, signal: new AbortController().signal, root })).rejects.toThrow(/^npm ci failed: .*ECONNREFUSED/);
    expect(existsSync(join(root, "node_modules"))).toBe(false);
  });
});
