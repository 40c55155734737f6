// The process of the mirror: the read-only half of the OCI distribution API (pull), answered straight from OCI layouts.
// Started by startMirror in mirror.mjs. Usage: node mirror-server.mjs MIRROR_DIR ADDRESS PORT
import { createReadStream } from "node:fs";
import { open, rename, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { layoutManifest } from "./oci.mjs";
import { setTimeout as sleep } from "node:timers/promises";
import { isAlive, ownIdentity } from "./process.mjs";
import { blobPath, readPromise, readReferences } from "./refs.mjs";

const ROUTE = /^\/v2\/(?<name>.+)\/(?<kind>manifests|blobs|tags)\/(?<object>[^/]+)$/;
/** Time in ms between two looks whether a promised image is there. */
const PROMISE_POLL = 250;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

const [mirrorDir, address, port] = /** @type {[string, string, string]} */ (process.argv.slice(2));
const stateFile = join(mirrorDir, "server.json");

/**
 * The name under which an image was published. Docker Hub's official images are asked for as `library/NAME`, and a client
 * that uses the mirror for another registry names that registry in the `ns` parameter (containerd's convention).
 * @param {string} name @param {string | null} namespace
 */
function publishedName(name, namespace) {
  const registry = namespace === null || namespace === "docker.io" ? "" : `${namespace}/`;
  return registry + name.replace(/^library\//, "");
}

/** @param {import("node:http").IncomingMessage} request @param {import("node:http").ServerResponse} response */
async function answer(request, response) {
  const url = new URL(request.url ?? "/", "http://mirror");
  if (request.method !== "GET" && request.method !== "HEAD") {
    return refuse(response, 405, "UNSUPPORTED", "this mirror is read-only: images are published by the launcher, not pushed");
  }
  if (url.pathname === "/v2/" || url.pathname === "/v2") return sendJson(response, {});
  const route = ROUTE.exec(url.pathname)?.groups;
  if (route === undefined) return refuse(response, 404, "UNSUPPORTED", `no such route: ${url.pathname}`);

  const { kind, object } = /** @type {{ kind: string, object: string }} */ (route);
  const name = publishedName(String(route.name), url.searchParams.get("ns"));
  if (kind === "manifests" && !DIGEST.test(object)) {
    const broken = await promiseBroken({ name, tag: object }, request);
    if (broken !== undefined) return refuse(response, 403, "DENIED", `image ${name}:${object} is not available: ${broken}`);
  }
  const references = await readReferences(mirrorDir);
  if (kind === "tags") return sendJson(response, { name, tags: references.filter((ref) => ref.name === name).map((ref) => ref.tag) });

  if (DIGEST.test(object)) {
    for (const reference of references.filter((ref) => ref.name === name)) {
      const manifest = await layoutManifest(reference.layout);
      const type = manifest.digest === object ? manifest.mediaType : "application/octet-stream";
      if (await sendBlob(request, response, blobPath(reference, object), object, type)) return;
    }
  } else if (kind === "manifests") {
    const reference = references.find((ref) => ref.name === name && ref.tag === object);
    if (reference !== undefined) {
      const { digest, mediaType } = await layoutManifest(reference.layout);
      if (await sendBlob(request, response, blobPath(reference, digest), digest, mediaType)) return;
    }
  }
  if (kind === "blobs") return refuse(response, 404, "BLOB_UNKNOWN", `no blob ${object} in ${name}`);
  const separator = DIGEST.test(object) ? "@" : ":";
  const available = references.map((ref) => `${ref.name}:${ref.tag}`).join(", ");
  // Not 404: containerd tells its user of a 404 only "not found", but of another refusal the whole status line, which is
  // all there is in the answer to its HEAD request.
  refuse(response, 403, "DENIED", `image ${name}${separator}${object} is not available offline; available: ${available}; see docker/bases.json`);
}

/**
 * Waits while an image is being built, which ends with its build, with the process that builds it, or when nobody waits any more.
 * @param {{ name: string, tag: string }} image @param {import("node:http").IncomingMessage} request
 * @returns {Promise<string | undefined>} why the image will not come; `undefined` when nothing is promised (any more)
 */
async function promiseBroken(image, request) {
  for (;;) {
    const promised = await readPromise(mirrorDir, image);
    if (promised === undefined || request.socket.destroyed) return undefined;
    if ("failed" in promised) return promised.failed;
    if (!isAlive(promised)) return "the launcher that was building it has ended; run the same command again";
    await sleep(PROMISE_POLL);
  }
}

/**
 * @param {import("node:http").IncomingMessage} request @param {import("node:http").ServerResponse} response
 * @param {string} path @param {string} digest @param {string} type
 * @returns {Promise<boolean>} false, and nothing sent, when there is no such file
 */
async function sendBlob(request, response, path, digest, type) {
  const file = await open(path).catch(() => undefined);
  if (file === undefined) return false;
  try {
    const { size } = await file.stat();
    // containerd resumes a download that broke off, and fetches large layers in parts.
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
    const start = range === null ? 0 : Number(range[1]);
    const end = range === null || range[2] === "" ? size - 1 : Math.min(Number(range[2]), size - 1);
    response.setHeader("Docker-Content-Digest", digest);
    response.setHeader("Content-Type", type);
    response.setHeader("Accept-Ranges", "bytes");
    if (start > end) {
      response.writeHead(416, { "Content-Range": `bytes */${size}` }).end();
      return true;
    }
    response.setHeader("Content-Length", end - start + 1);
    if (range === null) response.writeHead(200);
    else response.writeHead(206, { "Content-Range": `bytes ${start}-${end}/${size}` });
    if (request.method === "HEAD") response.end();
    else await pipeline(createReadStream(path, { start, end, highWaterMark: 1 << 20 }), response);
    return true;
  } finally {
    await file.close();
  }
}

/** @param {import("node:http").ServerResponse} response @param {unknown} value */
function sendJson(response, value) {
  response.writeHead(200, { "Content-Type": "application/json", "Docker-Distribution-Api-Version": "registry/2.0" }).end(JSON.stringify(value));
}

/** @param {import("node:http").ServerResponse} response @param {number} status @param {string} code @param {string} message */
function refuse(response, status, code, message) {
  // A status line holds printable ASCII only.
  const reason = message.replace(/[^\x20-\x7e]/g, "?");
  response.writeHead(status, reason, { "Content-Type": "application/json" }).end(JSON.stringify({ errors: [{ code, message }] }));
}

const server = createServer((request, response) => {
  answer(request, response).catch((error) => {
    // A client that hangs up, also one that has read all it was promised, is no failure of the mirror.
    const detail = error.code === "ERR_STREAM_PREMATURE_CLOSE" ? "client closed the connection" : error;
    console.error(new Date().toISOString(), request.method, request.url, detail);
    if (response.headersSent) response.destroy();
    else refuse(response, 500, "UNKNOWN", `the mirror failed: ${error.message}`);
  });
  response.on("finish", () => console.log(new Date().toISOString(), request.method, request.url, response.statusCode));
});

server.on("error", (error) => {
  console.error(new Date().toISOString(), error.message);
  process.exitCode = 1;
  tellParent({ error: error.message });
});

server.listen(Number(port), address, async () => {
  const listening = /** @type {import("node:net").AddressInfo} */ (server.address());
  const state = { ...ownIdentity(), address, port: listening.port, waits: true };
  await writeFile(`${stateFile}.${process.pid}`, JSON.stringify(state));
  await rename(`${stateFile}.${process.pid}`, stateFile);
  tellParent({ state });
});

/**
 * Answers the process that started this one, unless it has died meanwhile, and lets go of it.
 * @param {object} message
 */
function tellParent(message) {
  if (process.connected) process.send?.(message, () => process.connected && process.disconnect());
}

for (const signal of /** @type {const} */ (["SIGTERM", "SIGINT"])) {
  process.on(signal, async () => {
    await rm(stateFile, { force: true });
    process.exit(0);
  });
}
