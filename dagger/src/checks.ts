import { CacheSharingMode, dag, type Container, type Directory, ReturnType, type Service } from '@dagger.io/dagger'
import { Bases } from './bases.ts'
import { explained, reason } from './explain.ts'
import { image } from './images.ts'
import { CHECK_SOURCES, only } from './sources.ts'
import { conformanceParts, type Part } from './parts.ts'
import type { CheckResult, Times } from './summary.ts'

/** A command in a container. `command` is a line for sh; a JUnit document at /tmp/report/junit.xml becomes part of the result. */
export type Check = {
  name: string
  title: string
  container: () => Promise<Container>
  command: string
  /** Where that line runs in the repository, with a slash at the end, when not at its root: its output names files from there. */
  folder?: string
  /** The command that runs it again, when it is none of `ci`. */
  again?: string
  /** Runs after the others, with the machine to itself: what it asks depends on how fast the machine answers. */
  alone?: true
  /** Of a check that runs alone: what can be made beside the others. */
  prepare?: () => Promise<void>
  /** What ran in the place of the real thing, for the reports. */
  standIns?: () => Promise<string[]>
}

const REPORT = '/tmp/report'
const BACKEND = 'app/backend/'
const FRONTEND = 'app/frontend/'

// Where the database of a test finds the passwords of its roles. It lives as long as the test; nothing else can reach it.
const TEST_PASSWORD = 'only-for-the-database-of-a-test'
// Of the images that docker/database makes.
const POSTGRES = { database: 15, backup: 17 } as const

const ROLES = ['superuser', 'migrator', 'chat', 'tasks', 'mcp', 'backup']

/** Every check of `ci`, as data. */
export function checks(source: Directory): Check[] {
  return [
    {
      // Many tests wait for servers to start and stop, or for a time-out: two for each processor keep it busy.
      name: 'test-backend',
      title: 'pytest with PostgreSQL',
      folder: BACKEND,
      container: () => withTestDatabase(source),
      command: `COLUMNS=160 pytest -n $(($(nproc) * 2)) --dist worksteal --cov --cov-report=term --junitxml=${REPORT}/junit.xml -o cache_dir=/tmp/pytest`,
    },
    {
      name: 'test-frontend',
      title: 'Jest',
      folder: FRONTEND,
      container: async () => remembering(await image(source, 'frontend-test'), '/tmp/jest', 'jest').withEnvVariable('JEST_JUNIT_OUTPUT_FILE', `${REPORT}/junit.xml`),
      command: 'npm test -- --coverageDirectory=/tmp/coverage --cacheDirectory=/tmp/jest',
    },
    {
      name: 'test-pipeline',
      title: 'vitest: deployer, module, workflows',
      container: () => workspace(source, CHECK_SOURCES.pipeline),
      command: `npx vitest run --project unit --maxWorkers=100% --reporter=default --reporter=junit --outputFile.junit=${REPORT}/junit.xml`,
    },
    {
      name: 'validate',
      title: 'manifests and chart: schemas, kube-score, policies, equality',
      container: () => workspace(source, CHECK_SOURCES.validate),
      command: `npx vitest run --project validate --maxWorkers=100% --reporter=default --reporter=junit --outputFile.junit=${REPORT}/junit.xml`,
    },
    ...(['database', 'backup'] as const).map((name) => ({
      name: `test-${name}`,
      title: `backup and restore on PostgreSQL ${POSTGRES[name]}`,
      container: () => withDatabaseTests(source, name),
      command: `npx vitest run --project database --reporter=default --reporter=junit --outputFile.junit=${REPORT}/junit.xml`,
    })),
    {
      name: 'docs',
      title: 'pages made from the code, links, names',
      container: () => withDocumented(source),
      command: 'npm run --silent docs -- check --python /venv/bin/python',
    },
    ...lintChecks(source),
  ]
}

/**
 * Many generated requests to each operation of the backend's document; no check of `ci`, which sends a few dozen that are always the same.
 * @param seed decides which requests are sent
 */
export function fuzzCheck(source: Directory, examples: number, seed: number): Check {
  if (!Number.isInteger(examples) || examples < 1) throw new Error(`--examples must be a whole number from 1 on, and is ${examples}`)
  if (!Number.isInteger(seed) || seed < 0) throw new Error(`--seed must be a whole number from 0 on, and is ${seed}`)
  return {
    name: 'fuzz',
    again: `npm run dagger -- call fuzz --examples=${examples} --seed=${seed}`,
    title: `${examples} generated requests to each operation, seed ${seed}`,
    folder: BACKEND,
    container: async () => (await withTestDatabase(source)).withEnvVariable('TODO_FUZZ_EXAMPLES', String(examples)),
    command: `pytest -n auto --dist worksteal --hypothesis-seed=${seed} --junitxml=${REPORT}/junit.xml -o cache_dir=/tmp/pytest tests/contract/test_openapi.py`,
  }
}

async function withTestDatabase(source: Directory): Promise<Container> {
  return (await image(source, 'backend-test')).withServiceBinding('database', await testDatabase(source)).withEnvVariable('TODO_TEST_DATABASE_URL', `postgresql://postgres:${TEST_PASSWORD}@database:5432/postgres`)
}

/** The tree with what its pages are made by: Node.js, the backend's Python and a database to migrate. */
async function withDocumented(source: Directory): Promise<Container> {
  return (await withNode(await withTestDatabase(source), source))
    .withDirectory('/workspace', only(source, CHECK_SOURCES.docs), { owner: '10001:10001' })
    .withMountedDirectory('/workspace/node_modules', await dependencies(source))
    .withWorkdir('/workspace')
}

/** The container with Node.js before everything else on its PATH. */
async function withNode(container: Container, source: Directory): Promise<Container> {
  const node = dag.container().from((await Bases.read(source)).address('NODE_IMAGE')).directory('/usr/local')
  return container.withDirectory('/opt/node', node).withEnvVariable('PATH', '/opt/node/bin:${PATH}', { expand: true })
}

/** The checks of `lint`. */
export function lintChecks(source: Directory): Check[] {
  return [
    {
      name: 'lint-backend',
      title: 'ruff, mypy, import contracts',
      folder: BACKEND,
      container: async () => remembering(await image(source, 'backend-test'), '/tmp/mypy', 'mypy'),
      command: 'ruff check --no-cache . && ruff format --no-cache --check . && mypy --cache-dir /tmp/mypy && lint-imports --no-cache',
    },
    {
      name: 'lint-frontend',
      title: 'ESLint, tsc, prettier',
      folder: FRONTEND,
      container: () => image(source, 'frontend-test'),
      command: 'npm run lint',
    },
    {
      name: 'lint-pipeline',
      title: 'ESLint, tsc',
      container: () => workspace(source, CHECK_SOURCES.pipeline),
      command: 'npx tsc -p . && npx tsc -p tests/tsconfig.module.json && npx eslint . --max-warnings 0',
    },
    {
      name: 'lint-files',
      title: 'hadolint, shellcheck, actionlint, zizmor',
      container: async () => (await image(source, 'tools')).withDirectory('/workspace', only(source, CHECK_SOURCES.files), { owner: '10001:10001' }),
      command: 'sh scripts/lint-files.sh',
    },
  ]
}

/**
 * A folder where a tool keeps what it has worked out for each file, by the file's content; after a change it works out the rest. A second
 * run at the same time has a folder of its own.
 */
function remembering(container: Container, path: string, tool: string): Container {
  return container.withMountedCache(path, dag.cacheVolume(`todo-chat-${tool}`), { sharing: CacheSharingMode.Private, owner: '10001:10001' })
}

/** The root package's dependencies and the named sources, in the image that has the Kubernetes tools. */
export async function workspace(source: Directory, paths: readonly string[]): Promise<Container> {
  return (await image(source, 'tools')).withDirectory('/workspace', only(source, paths), { owner: '10001:10001' }).withMountedDirectory('/workspace/node_modules', await dependencies(source))
}

/** The root package's node_modules, installed from its lock file; mounted where it is used, since a copy takes half a minute. */
export async function dependencies(source: Directory): Promise<Directory> {
  const bases = await Bases.read(source)
  return dag
    .container()
    .from(bases.address('NODE_IMAGE'))
    .withDirectory('/workspace', only(source, CHECK_SOURCES.dependencies))
    .withWorkdir('/workspace')
    .withMountedCache('/root/.npm', dag.cacheVolume('todo-chat-npm'))
    .withExec(['npm', 'ci', '--ignore-scripts'])
    .directory('/workspace/node_modules')
}

/** An image of PostgreSQL with Node.js, whose tests start servers of it. The small volume is there to be full. */
async function withDatabaseTests(source: Directory, name: keyof typeof POSTGRES): Promise<Container> {
  return (await withNode(await image(source, name), source))
    .withDirectory('/run/secrets/todo-db', testPasswords(), { owner: '10001:10001' })
    .withDirectory('/workspace', only(source, CHECK_SOURCES.database), { owner: '10001:10001' })
    .withMountedDirectory('/workspace/node_modules', await dependencies(source))
    .withMountedTemp('/small', { size: 3 << 20 })
    .withEnvVariable('DATABASE_TEST_SMALL_VOLUME', '/small')
    .withWorkdir('/workspace')
}

function testPasswords(): Directory {
  return ROLES.reduce((folder, role) => folder.withNewFile(`${role}-password`, TEST_PASSWORD), dag.directory())
}

async function testDatabase(source: Directory): Promise<Service> {
  return (await image(source, 'database'))
    .withDirectory('/run/secrets/todo-db', testPasswords(), { owner: '10001:10001' })
    .withExposedPort(5432)
    // What a test has written need not survive a loss of power.
    .asService({ useEntrypoint: true, args: ['-c', 'fsync=off'] })
}

// What the command prints is shown while it runs. The clock inside the container tells whether the command ran in this run or its result is an earlier one's.
const SCRIPT = `mkdir -p ${REPORT} && date +%s.%N >${REPORT}/started
: >${REPORT}/output
( set -e; eval "$CHECK_COMMAND" ) >${REPORT}/output 2>&1 & command=$!
tail -n +1 -f -s 0.2 --pid=$command ${REPORT}/output & shown=$!
wait $command; status=$?
wait $shown
date +%s.%N >${REPORT}/finished
[ -f ${REPORT}/junit.xml ] || : >${REPORT}/junit.xml
exit $status`

/** What a command gave, and the files it left in its report folder. */
export type Execution = { exitCode: number; output: string; junit: string; started: number; finished: number; report: Directory }

/** Runs a command line in a container; never throws for a non-zero exit code. */
export async function executeCheck(container: Container, command: string): Promise<Execution> {
  const done = container
    .withEnvVariable('REPORT_DIR', REPORT)
    .withEnvVariable('CHECK_COMMAND', command)
    .withExec(['sh', '-c', SCRIPT], { expect: ReturnType.Any })
  const report = done.directory(REPORT)
  const [exitCode, output, junit, started, finished] = await Promise.all([
    done.exitCode(),
    report.file('output').contents(),
    report.file('junit.xml').contents(),
    report.file('started').contents(),
    report.file('finished').contents(),
  ])
  return { exitCode, output, junit, started: Number(started), finished: Number(finished), report }
}

/** The result of a check, and the files that it left in its report folder (none when it could not run). */
export type CheckRun = { result: CheckResult; report?: Directory }

/**
 * Runs a check. A passed check of the same content is taken from the cache, a failed one always runs again.
 * @param runBegan seconds since the epoch
 * @returns its result; a check that cannot run at all is `broken`, never an exception
 */
export async function runCheck(check: Check, runBegan = now()): Promise<CheckRun> {
  const { name, title, command, folder, again } = check
  const begun = now()
  const common = { name, title, ...(folder === undefined ? {} : { folder }), ...(again === undefined ? {} : { again }) }
  const times = (command: Partial<Times> = {}): Times => ({ asked: begun - runBegan, ...command, answered: now() - runBegan })
  try {
    const { execution, failures } = await passedOrRunNow(await check.container(), command, begun)
    const { exitCode, output, junit, started, finished, report } = execution
    const cached = finished < begun
    const files = await filesOf(report)
    const parts = await partsOf(report, files)
    const ran = cached ? {} : { started: started - runBegan, finished: finished - runBegan }
    const shared = { ...common, seconds: finished - started, cached, times: times(ran), output, junit, files, ...(parts.length > 0 ? { parts } : {}) }
    return { result: exitCode === 0 ? { ...shared, outcome: 'passed', failedBefore: failures } : { ...shared, outcome: 'failed', exitCode }, report }
  } catch (cause) {
    return { result: { ...common, seconds: now() - begun, cached: false, times: times(), outcome: 'broken', message: explained(reason(cause)) } }
  }
}

const now = (): number => Date.now() / 1000

// The engine remembers failures too. Attempts are numbered, so that one that passed after failures is found again, and so are the
// failures: the same content that failed and then passed is unsteady.
async function passedOrRunNow(container: Container, command: string, begun: number): Promise<{ execution: Execution; failures: string[] }> {
  const failures: string[] = []
  for (let attempt = 0; ; attempt++) {
    const execution = await executeCheck(container.withEnvVariable('CHECK_ATTEMPT', String(attempt)), command)
    if (execution.exitCode === 0 || execution.finished >= begun) return { execution, failures }
    failures.push(execution.output)
  }
}

async function partsOf(report: Directory, files: string[]): Promise<Part[]> {
  return files.includes('conformance.json') ? conformanceParts(await report.file('conformance.json').contents()) : []
}

/** What a check's script writes for its own use, beside the report of the command. */
export const BOOKKEEPING = ['output', 'junit.xml', 'started', 'finished']

async function filesOf(report: Directory): Promise<string[]> {
  const paths = await report.glob('**')
  return paths.filter((path) => !path.endsWith('/') && !BOOKKEEPING.includes(path))
}
