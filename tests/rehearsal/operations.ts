/** What a team asks of its environments from day to day, and production's way back and forward again. */
import { call, freshCheckout, ownCheckout } from './calls.ts'
import { ENVIRONMENTS, type EnvironmentName, FACTS } from './environments.ts'
import type { Journal } from './journal.ts'
import { type World, lastLines, judged, workflowCalls } from './way.ts'

/** A call with the environment's kubeconfig, and what its answer must say. */
interface Question {
  title: string
  line: string
  /** @returns the verdict, or undefined when the answer is not the right one */
  verdict: (answer: string, name: EnvironmentName) => string | undefined
}

const QUESTIONS: readonly Question[] = [
  { title: 'status', line: 'status', verdict: (answer) => (/healthy/i.test(answer) && !/not healthy/i.test(answer) ? answer.split('\n')[0] : undefined) },
  { title: 'history', line: 'history', verdict: (answer, name) => (answer.includes(FACTS[name].env) || /succeeded/.test(answer) ? `${answer.trim().split('\n').length} lines` : undefined) },
  { title: 'drift', line: 'drift', verdict: (answer) => (/no drift/i.test(answer) ? answer.trim().split('\n').at(-1) : undefined) },
  { title: 'backup', line: 'backup export --path=backup.tar', verdict: () => 'an archive' },
  { title: 'restore', line: 'restore --archive=backup.tar --force', verdict: (answer) => (/^restored: backup of/.test(answer) ? answer.trim() : undefined) },
  { title: 'restore-drill', line: 'restore-drill', verdict: (answer) => (/restored and compared/.test(answer) ? answer.trim() : undefined) },
]

const CREDENTIALS = '--kubeconfig=env://KUBECONFIG_TEXT'

/** Production's way back and forward comes before what it is asked. */
export async function operate(shared: World, journal: Journal, sha: string): Promise<void> {
  const own = new Map<EnvironmentName, World>()
  for (const name of ENVIRONMENTS) own.set(name, { ...shared, checkout: await ownCheckout(shared.checkout, name) })
  // What each environment is asked does not touch the others.
  await Promise.all(
    [...own].map(async ([name, world]) => {
      if (name === 'production') await backAndForward(world, journal, sha)
      for (const question of QUESTIONS) await ask(world, journal, sha, name, question)
    }),
  )
}

async function ask({ checkout, contexts }: World, journal: Journal, sha: string, name: EnvironmentName, { title, line, verdict }: Question): Promise<void> {
  const [verb, ...rest] = line.split(' ')
  const full = [verb, `--env=${FACTS[name].env}`, CREDENTIALS, ...rest].join(' ')
  const { path, name: folder } = journal.folderFor(`${name} ${title}`)
  const { exitCode, stdout, stderr, seconds } = await call(full, { KUBECONFIG_TEXT: contexts(name, sha).secrets['KUBECONFIG'] ?? '' }, checkout, path)
  const seen = exitCode === 0 ? verdict(stdout, name) : undefined
  journal.add({ chapter: 'operations', title: `${name}: ${title}`, call: `dagger call ${full}`, seconds, ok: seen !== undefined, verdict: seen ?? lastLines(exitCode === 0 ? stdout : stderr), folder })
}

/** The revision before, and then the same digests as before once more, by the workflow's own lines. */
async function backAndForward(world: World, journal: Journal, sha: string): Promise<void> {
  const { contexts, checkout } = world
  const { vars, secrets } = contexts('production', sha)
  const line = `rollback --env=prod ${CREDENTIALS} --ingress-url=${vars['INGRESS_URL']} --ingress-ca=env://INGRESS_CA`
  const { path, name } = journal.folderFor('production rollback')
  const back = await call(line, { KUBECONFIG_TEXT: secrets['KUBECONFIG'] ?? '', INGRESS_CA: vars['INGRESS_CA'] ?? '' }, checkout, path)
  const ok = back.exitCode === 0 && /verified/.test(back.stdout)
  journal.add({ chapter: 'way back', title: 'production: the revision before', call: `dagger call ${line}`, seconds: back.seconds, ok, verdict: ok ? (back.stdout.trim().split('\n')[0] ?? '') : lastLines(back.stderr), folder: name })
  await freshCheckout(checkout)
  for (const each of await workflowCalls(world, 'cd-production.yml', sha)) {
    const { path, name } = journal.folderFor(`forward again ${each.step}`)
    const outcome = await call(each.line, each.env, checkout, path)
    const { ok, verdict } = await judged(each, outcome, checkout, false)
    journal.add({ chapter: 'way back', title: `forward again: ${each.step}`, call: `dagger call ${each.line}`, seconds: outcome.seconds, ok, verdict, folder: name })
    if (!ok) return
  }
}
