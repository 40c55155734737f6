/** What the deployer takes, and what users notice of it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { poll, systemClock } from '../../deploy/src/_poll.ts'
import type { Availability } from '../../deploy/src/proof/availability.ts'
import type { RunReport } from '../../deploy/src/report/report.ts'
import { type Bench, NAMESPACE, REPETITIONS, type Ran } from './_bench.ts'
import { FAULTS, otherImage, setting } from './_changes.ts'
import { applyAs } from './_kubectl.ts'
import { RATE, underLoad } from './_load.ts'
import { watchReason } from './_reason.ts'
import { type Table, brief, spread } from './_table.ts'

const LOAD = ['--rate', String(RATE), '--soak', '10s']
const HEAD = ['what', 'target', 'seconds: median (spread)', 'runs', 'requests', 'failed', 'longest outage', 'p99 inside']

/** @throws when the run did not end as it should: there is nothing to measure then */
function expectResult(ran: Ran, ...results: RunReport['result'][]): Ran {
  if (!results.includes(ran.report.result)) throw new Error(`expected ${results.join(' or ')}, got ${ran.report.result ?? 'no report'} (exit code ${ran.exitCode}):\n${ran.stderr}\n${ran.stdout}`)
  return ran
}

function row(what: string, target: string, seconds: readonly number[], loads: readonly (Availability | undefined)[] = []): string[] {
  const known = loads.filter((load) => load !== undefined)
  const sum = (pick: (load: Availability) => number): string => (known.length === 0 ? '–' : String(known.reduce((total, load) => total + pick(load), 0)))
  const most = (pick: (load: Availability) => number): string => (known.length === 0 ? '–' : `${Math.round(Math.max(...known.map(pick)))} ms`)
  return [what, target, spread(seconds), String(seconds.length), sum(({ requests }) => requests), sum(({ failures }) => failures), most(({ longestOutageMs }) => longestOutageMs), most(({ inside }) => inside.p99Ms)]
}

/** Where the time went, for whoever watches: ` (backup 7.1, backend 12.3)`. */
function phasesOf({ report }: Ran): string {
  const phases = (report.timeline?.phases ?? []).flatMap(({ name, startedAt, endedAt }) => (endedAt === undefined ? [] : `${name} ${((endedAt - startedAt) / 1000).toFixed(1)}`))
  return phases.length === 0 ? '' : ` (${phases.join(', ')})`
}

async function repeat<Value>(count: number, measure: (index: number) => Promise<Value>): Promise<Value[]> {
  const values: Value[] = []
  for (let index = 0; index < count; index += 1) values.push(await measure(index))
  return values
}

export async function deployerRows(bench: Bench): Promise<Table[]> {
  await bench.good()
  // After the first release the autoscalers take half a minute to bring every tier to its two pods; an unchanged deploy waits for them.
  for (const name of ['mcp', 'agent', 'backend', 'frontend']) await settled(bench, name, 2)
  const rows: string[][] = []
  const add = (what: string, target: string, runs: readonly Ran[]): void => {
    rows.push(row(what, target, runs.map(({ seconds }) => seconds), runs.map(({ report }) => report.availability)))
    process.stderr.write(`${what}: ${runs.map((ran) => `${ran.seconds.toFixed(1)} s${phasesOf(ran)}`).join('; ')}\n`)
  }
  add('`plan` of the whole application, nothing to change', '≤ 3 s', await repeat(REPETITIONS, () => bench.run(['plan'])))
  add('`deploy`, nothing to change', '≤ 3 s', await repeat(REPETITIONS, async () => expectResult(await bench.run(['deploy', '--ingress-url', bench.ingress]), 'unchanged')))
  for (const part of ['frontend', 'backend']) {
    await bench.good()
    const what = part === 'backend' ? 'another image of the backend to verified, with backup and migration' : `another image of the ${part} to verified`
    const runs = await repeat(REPETITIONS, async (index) => expectResult(await bench.deploy(await bench.release(index % 2 === 0 ? otherImage(part) : undefined), { args: LOAD }), 'succeeded'))
    add(what, '≤ 30 s, 0 failed', runs)
  }
  await bench.good()
  add('a setting of the backend to verified', '0 failed', await repeat(REPETITIONS, async (index) => expectResult(await bench.deploy(await bench.release(setting(index % 2 === 0 ? 'DEBUG' : 'INFO')), { args: LOAD }), 'succeeded')))
  add('`rollback` to the revision before, verified', '≤ 30 s, 0 failed', await repeat(REPETITIONS, async () => expectResult(await bench.run(['rollback', '--ingress-url', bench.ingress, ...LOAD]), 'succeeded')))
  await bench.good()
  return [
    {
      title: 'Wall clock of the command, its start included',
      head: HEAD,
      rows,
      note: `${RATE} requests a second through the ingress (80 %) and the Services by the API server's proxy (20 %), from 2 s before the first change to 2 s after the last old pod; the command waits for both margins, and for 10 s without a restart (\`--soak\`). The other image has the same content under another digest. Requests and failures are summed over the runs.`,
    },
  ]
}

/** Waits until the Deployment has exactly so many pods, all ready. */
async function settled(bench: Bench, name: string, replicas: number): Promise<void> {
  const cluster = await bench.cluster()
  const done = await poll(systemClock, { intervalMs: 500, timeoutMs: 120_000 }, async () => {
    const object = await cluster.get({ apiVersion: 'apps/v1', kind: 'Deployment', namespace: NAMESPACE, name })
    const pods = (await cluster.list({ apiVersion: 'v1', kind: 'Pod' }, NAMESPACE)).filter(({ metadata }) => metadata.labels?.['app.kubernetes.io/name'] === name)
    const status = (object?.['status'] ?? {}) as { replicas?: number; availableReplicas?: number }
    return (status.replicas === replicas && status.availableReplicas === replicas && pods.length === replicas) || undefined
  })
  if (!done) throw new Error(`Deployment ${name} has not come to ${replicas} pods in 120 s`)
}

async function scaleTo(bench: Bench, name: string, replicas: number): Promise<void> {
  await applyAs(bench.kubeconfig, 'benchmark', { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata: { name, namespace: NAMESPACE }, spec: { minReplicas: replicas, maxReplicas: replicas, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name } } })
}

export async function disturbanceRows(bench: Bench): Promise<Table[]> {
  await bench.good()
  const rows: string[][] = []
  const cluster = await bench.cluster()
  for (const name of ['backend', 'frontend']) {
    const runs = await repeat(REPETITIONS, async () => {
      await scaleTo(bench, name, 3)
      await settled(bench, name, 3)
      return underLoad(bench, async () => {
        await scaleTo(bench, name, 2)
        await settled(bench, name, 2)
      })
    })
    rows.push(row(`scale-down of the ${name}, 3 → 2 pods`, '0 failed', runs.map(({ seconds }) => seconds), runs.map(({ load }) => load)))
    // Without the autoscaler's own wishes, so that the number of pods is known.
    const deletions = await repeat(REPETITIONS, () =>
      underLoad(bench, async () => {
        const pod = (await cluster.list({ apiVersion: 'v1', kind: 'Pod' }, NAMESPACE)).find(({ metadata }) => metadata.labels?.['app.kubernetes.io/name'] === name)
        if (pod === undefined) throw new Error(`no pod of ${name}`)
        await cluster.remove({ apiVersion: 'v1', kind: 'Pod', namespace: NAMESPACE, name: pod.metadata.name })
        await sleep(1_000)
        await settled(bench, name, 2)
      }),
    )
    rows.push(row(`deletion of a pod of the ${name}, until replaced`, '0 failed', deletions.map(({ seconds }) => seconds), deletions.map(({ load }) => load)))
    process.stderr.write(`${rows.slice(-2).map((cells) => cells.join(' | ')).join('\n')}\n`)
  }
  await bench.good()
  return [{ title: 'Under the same load, without the deployer', head: HEAD, rows }]
}

export async function faultRows(bench: Bench): Promise<Table[]> {
  const rows: string[][] = []
  for (const { name, reason, change } of FAULTS) {
    const verdicts: number[] = []
    const delays: number[] = []
    const rollbacks: number[] = []
    const totals: number[] = []
    const loads: Availability[] = []
    let told = ''
    for (let index = 0; index < REPETITIONS; index += 1) {
      await bench.good()
      const watch = reason === undefined ? undefined : watchReason(await bench.cluster(), reason)
      const started = Date.now()
      const ran = expectResult(await bench.deploy(await bench.release(change), { args: LOAD }), 'rolled-back')
      const seen = await watch?.stop()
      const { phases } = ran.report.timeline
      const verdict = phases[phases.findIndex((phase) => phase.name === 'rollback') - 1]?.endedAt ?? 0
      verdicts.push((verdict - started) / 1000)
      if (seen !== undefined) delays.push((verdict - seen) / 1000)
      rollbacks.push((ran.report.rollback?.durationMs ?? 0) / 1000)
      totals.push(ran.seconds)
      if (ran.report.availability) loads.push(ran.report.availability)
      told = ran.report.failure?.message ?? ''
    }
    rows.push([name, spread(verdicts), spread(delays), spread(rollbacks), spread(totals), String(loads.reduce((sum, { requests }) => sum + requests, 0)), String(loads.reduce((sum, { failures }) => sum + failures, 0)), brief(told)])
    process.stderr.write(`${rows.at(-1)?.join(' | ')}\n`)
  }
  await bench.good()
  return [
    {
      title: `From the start of the command; seconds, median (spread) of ${REPETITIONS} runs`,
      head: ['fault', 'verdict', 'verdict after the reason (≤ 10 s)', 'rollback verified after the verdict (≤ 30 s)', 'command', 'requests', 'failed', 'told'],
      rows,
      note: 'The reason is looked for by another client five times a second, in the status of pods and Deployments; a verdict may come first. Exit code 1 each time, the revision before back and verified.',
    },
  ]
}
