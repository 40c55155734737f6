/**
 * Bundles what the SDK image needs of the npm package into the folder given as argument: library.mjs (everything) and
 * context.mjs (what a generated client is built on). Both leave the client open, as `./client.gen.mjs`.
 */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeFileSync } from "node:fs";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const source = join(here, "node_modules", "@dagger.io", "dagger", "dist", "src");
const outdir = process.argv[2];
if (outdir === undefined) throw new Error("bundle.mjs: give the output folder");

await build({
  entryPoints: { library: join(here, "library.mjs"), context: join(source, "common", "context.js") },
  outdir,
  outExtension: { ".js": ".mjs" },
  splitting: true,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node22",
  minifySyntax: true,
  legalComments: "none",
  keepNames: true,
  logLevel: "error",
  plugins: [
    {
      name: "dagger",
      setup(builder) {
        builder.onResolve({ filter: /^@dagger\.io\/dagger\/internal\// }, ({ path }) => ({ path: join(source, path.replace("@dagger.io/dagger/internal/", "")) }));
        builder.onResolve({ filter: /client\.gen\.js$/ }, () => ({ path: "./client.gen.mjs", external: true }));
        builder.onResolve({ filter: /^typescript$/ }, ({ path }) => ({ path, external: true }));
      },
    },
  ],
});
writeFileSync(join(outdir, "package.json"), JSON.stringify({ type: "module" }));
