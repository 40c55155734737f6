/**
 * Prepares a TypeScript module inside the SDK image; the engine caches the step by its inputs.
 *
 *   prepare.mjs client  <module folder> <module name>   /generated/sdk: the client for the editor and for `dagger develop`
 *   prepare.mjs runtime <module folder> <module name>   /module/entrypoint.mjs: module, client and scan in one file
 *
 * /schema.json is the engine's introspection of its API. Errors go to stderr, exit code 1.
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { freezeScan } from "./scan.mjs";

const [step, moduleDir = "", moduleName = ""] = process.argv.slice(2);
const SDK = "/sdk";
const OUT = "/module";

/** @param {string} command @param {string[]} args */
function run(command, args) {
  const { status, error } = spawnSync(command, args, { stdio: ["ignore", "ignore", "inherit"], cwd: moduleDir });
  if (error || status !== 0) throw new Error(`${command} ${args[0]} failed${error ? `: ${error.message}` : ` with exit code ${status}`}`);
}

/** @param {string} target folder that becomes the module's `sdk`: types, client and library */
function writeClient(target) {
  rmSync(target, { recursive: true, force: true });
  cpSync(join(SDK, "template"), target, { recursive: true });
  const generated = "/tmp/generated";
  mkdirSync(generated, { recursive: true });
  run("codegen", ["generate-module", "--lang", "typescript", "--bundle", "--introspection-json-path", "/schema.json", "--module-name", moduleName, "--module-source-path", generated, "--output", generated]);
  const file = readdirSync(generated, { recursive: true }).map(String).find((name) => name.endsWith("client.gen.ts"));
  if (!file) throw new Error("codegen wrote no client.gen.ts");
  cpSync(join(generated, file), join(target, "client.gen.ts"));
}

/** Packages that every module names because the upstream runtime installs them; here the image has them. */
const PROVIDED = ["", "node_modules/typescript"];

/** @returns {boolean} whether the module's lock file names a package that has to be installed to run it */
function hasDependencies() {
  const lock = join(moduleDir, "package-lock.json");
  if (!existsSync(lock)) return false;
  const { packages } = JSON.parse(readFileSync(lock, "utf8"));
  return Object.entries(packages ?? {}).some(([path, entry]) => !PROVIDED.includes(path) && !(/** @type {any} */ (entry).dev));
}

/** @param {string} dir @returns {string[]} every TypeScript source of the module */
function sources(dir) {
  return readdirSync(dir, { recursive: true })
    .map((name) => join(dir, String(name)))
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"))
    .sort();
}

/**
 * One bundle in which the npm library and the module share the generated client.
 * @param {{ entry: string, outfile: string, files: string[], scan: string, external?: string[] }} options
 */
async function bundle({ entry, outfile, files, scan, external = [] }) {
  const client = join(moduleDir, "sdk", "client.gen.ts");
  await build({
    entryPoints: [entry],
    outfile,
    external,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node22",
    sourcemap: "linked",
    keepNames: true,
    logLevel: "error",
    tsconfigRaw: { compilerOptions: { experimentalDecorators: true, useDefineForClassFields: false } },
    banner: { js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);' },
    plugins: [
      {
        name: "module",
        setup(builder) {
          builder.onResolve({ filter: /^(@dagger\.io\/dagger|todo-chat:library)$/ }, () => ({ path: join(SDK, "library", "library.mjs") }));
          builder.onResolve({ filter: /client\.gen\.mjs$/ }, () => ({ path: client }));
          builder.onResolve({ filter: /^\.\/core\.js$/ }, ({ importer, path }) => (importer === client ? { path: join(SDK, "library", "context.mjs") } : { path }));
          builder.onResolve({ filter: /^typescript$/ }, ({ path }) => (external.includes(path) ? { path, external: true } : { path, namespace: "absent" }));
          builder.onLoad({ filter: /.*/, namespace: "absent" }, () => ({ contents: "export default { SyntaxKind: {} }", loader: "js" }));
          builder.onResolve({ filter: /^todo-chat:(module|scan)$/ }, ({ path }) => ({ path, namespace: "todo-chat" }));
          builder.onLoad({ filter: /module$/, namespace: "todo-chat" }, () => ({
            contents: files.map((file, index) => `export * as m${index} from ${JSON.stringify(file)};`).join("\n"),
            resolveDir: moduleDir,
          }));
          builder.onLoad({ filter: /scan$/, namespace: "todo-chat" }, () => ({ contents: scan, loader: "json" }));
        },
      },
    ],
  });
}

async function prepareRuntime() {
  if (hasDependencies()) run("npm", ["ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"]);
  writeClient(join(moduleDir, "sdk"));
  mkdirSync(join(moduleDir, "node_modules", "@dagger.io"), { recursive: true });
  const linked = join(moduleDir, "node_modules", "@dagger.io", "dagger");
  rmSync(linked, { recursive: true, force: true });
  symlinkSync(join(moduleDir, "sdk"), linked);
  const files = sources(join(moduleDir, "src"));
  if (files.length === 0) throw new Error(`no TypeScript source in ${join(moduleDir, "src")}`);
  mkdirSync(OUT, { recursive: true });

  const scanner = join(OUT, "scanner.mjs");
  writeFileSync(join(SDK, "scanner.mjs"), 'export * as library from "todo-chat:library";\nexport * as modules from "todo-chat:module";\n');
  await bundle({ entry: join(SDK, "scanner.mjs"), outfile: scanner, files, scan: "null", external: ["typescript"] });
  symlinkSync(join(SDK, "node_modules"), join(OUT, "node_modules"));
  const { library, modules } = await import(pathToFileURL(scanner).href);
  const userModules = Object.values(modules);
  const scan = new library.scanned.DaggerModule(library.convertToPascalCase(moduleName), userModules, new library.AST(files, userModules));
  const { references: _references, ...declared } = scan;
  await bundle({
    entry: join(SDK, "entrypoint.mjs"),
    outfile: join(OUT, "entrypoint.mjs"),
    files,
    scan: JSON.stringify(freezeScan(library, declared)),
  });
  rmSync(scanner);
}

try {
  if (step === "client") writeClient("/generated/sdk");
  else if (step === "runtime") await prepareRuntime();
  else throw new Error(`prepare.mjs: step must be client or runtime, current value ${step}`);
} catch (cause) {
  console.error(cause instanceof Error ? cause.message : cause);
  process.exit(1);
}
