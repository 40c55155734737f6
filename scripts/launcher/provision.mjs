// Makes the npm SDK fetch the dagger CLI of its own version, and prints the program's path. A process of its own, so that
// the launcher can end a download that hangs. Usage: node provision.mjs [ARCHIVE_URL CHECKSUMS_URL]
import { existsSync } from "node:fs";

// Not among the exports of the package: inside it, connect() does this and starts a session at once.
const provisioning = new URL("../../node_modules/@dagger.io/dagger/dist/src/provisioning/", import.meta.url);
const { Bin, _overrideCLIURL, _overrideCLIChecksumsURL } = await import(new URL("bin.js", provisioning).href);
const { CLI_VERSION } = await import(new URL("default.js", provisioning).href);

const [archive, checksums] = process.argv.slice(2);
if (archive !== undefined) _overrideCLIURL(archive);
if (checksums !== undefined) _overrideCLIChecksumsURL(checksums);

const bin = new Bin(undefined, CLI_VERSION);
const path = bin.buildBinPath();
try {
  console.log(existsSync(path) ? path : await bin.downloadCLI());
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
