/**
 * Measures the deployer, and Helm beside it with the same objects, the same load and the same faults. Writes benchmarks.md in REPORT_DIR (default: docs).
 *
 *     dagger call deployer-benchmark --sections=deployer,disturbances,faults,helm export --path=FOLDER
 *     KUBECONFIG=… INGRESS_URL=… npx tsx tests/faults/benchmark.ts [deployer] [disturbances] [faults] [helm]
 *
 * REPETITIONS (3) says how often. Needs what the fault tests need, a second tag `v2` of each image, and `helm` on the PATH for its section, which puts Helm's release
 * in place of the deployer's and removes it again.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { Bench } from './_bench.ts'
import { deployerRows, disturbanceRows, faultRows } from './_measure-deployer.ts'
import { helmRows } from './_measure-helm.ts'
import { type Table, section } from './_table.ts'

const SECTIONS: Record<string, (bench: Bench) => Promise<Table[]>> = {
  deployer: deployerRows,
  disturbances: disturbanceRows,
  faults: faultRows,
  helm: helmRows,
}

const ROOT = join(import.meta.dirname, '../..')
const PAGE = join(process.env['REPORT_DIR'] ?? join(ROOT, 'docs'), 'benchmarks.md')

const chosen = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(SECTIONS)
const unknown = chosen.filter((name) => SECTIONS[name] === undefined)
if (unknown.length > 0) throw new Error(`unknown section ${unknown.join(', ')}; there are ${Object.keys(SECTIONS).join(', ')}`)

const bench = new Bench()
const cluster = await bench.cluster()
for (const name of chosen) {
  const load = loadavg()[0]?.toFixed(1)
  const commit = process.env['COMMIT'] ?? execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: ROOT, encoding: 'utf8' }).trim()
  const tables = (await SECTIONS[name]?.(bench)) ?? []
  const facts = [
    `${new Date().toISOString().slice(0, 10)}, commit ${commit}`,
    `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node.js ${process.version}`,
    `Kubernetes ${await cluster.version()}, ${process.env['CLUSTER_LABEL'] ?? 'cluster of the kubeconfig'}, scripted model (stand-in for a language model)`,
    `load average ${load} before, ${loadavg()[0]?.toFixed(1)} after`,
  ]
  const text = section(name, facts, tables)
  const page = existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : ''
  const marker = `<!-- deploy ${name} -->`
  const kept = page.replace(new RegExp(`${marker}[\\s\\S]*?<!-- end -->\\n*`), '')
  writeFileSync(PAGE, `${kept.trimEnd()}\n\n${marker}\n${text}\n<!-- end -->\n`)
  console.log(text)
}
