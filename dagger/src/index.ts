/**
 * todo-chat: build, test and deliver an AI todo application
 *
 * Images, checks and the laptop stack of todo-chat. Every function works on the repository it is called in; `--source` names
 * another one.
 */
import { availableParallelism } from 'node:os'
import { argument, check, type Container, Directory, type File, func, object, type Platform, type Secret, type Service } from '@dagger.io/dagger'
import { type Check, checks, type Execution, fuzzCheck, lintChecks } from './checks.ts'
import { kubeconfig, laptopCluster } from './cluster.ts'
import { conformance, conformanceCheck } from './conformance.ts'
import { deliver, deployer, type ReleaseInputs, REPORT_OPTIONS, reportOf, type RunInputs, type Target, textOf, withInput, withoutCluster, withRelease, withRun } from './delivery.ts'
import { e2eCheck } from './e2e.ts'
import { image, PUBLISHED } from './images.ts'
import { load } from './load.ts'
import { deployerBenchmark, faults, mutations } from './proofs.ts'
import { publishedImages, publishImages, signer } from './registry.ts'
import { rehearsal } from './rehearsal.ts'
import { judgeReport, reportDirectory, runAll } from './run.ts'
import { besideOthers } from './select.ts'
import { sideload } from './sideload.ts'
import { byContent } from './sources.ts'
import { randomSecrets, stack } from './stack.ts'
import { allPassed, failureText, table } from './summary.ts'
import { wayIn } from './way-in.ts'

@object()
export class TodoChat {
  source: Directory
  clusterImage: string
  clone: string
  launched: boolean

  constructor(
    /** The repository (default: the one the module is called in) */
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', '**/dist', '**/coverage', '/report', '**/__pycache__', '**/.venv', '**/.*_cache', '**/.hypothesis', '**/.coverage*', '**/*.log', 'dagger/sdk'] })
    source: Directory,
    /** Image of test clusters: k3s, or one with the same contract */
    clusterImage: string = 'rancher/k3s:v1.36.1-k3s1',
    /** Tells the laptop clusters of one clone of the repository from those of another; the launcher gives it */
    clone: string = '',
    /** Services that `up` starts get the launcher's way in, in the place of their ports; the launcher asks for it */
    launched: boolean = false,
  ) {
    this.source = source
    this.clusterImage = clusterImage
    this.clone = clone
    this.launched = launched
  }

  // What an image function gives is made of files in its own working directory (`byContent`), which ends with it: it is asked anew
  // each time, and finds its image in the engine's cache.

  /** Image of the backend: REST, chat endpoint, history, and the migrations */
  @func({ cache: 'never' })
  async backend(
    /** Such as linux/amd64 (default: the engine's own) */
    platform?: Platform,
  ): Promise<Container> {
    return image(await this.repository(), 'backend', platform)
  }

  /** Image of the agent: the model loop, which acts only through MCP */
  @func({ cache: 'never' })
  async agent(
    /** Such as linux/amd64 (default: the engine's own) */
    platform?: Platform,
  ): Promise<Container> {
    return image(await this.repository(), 'agent', platform)
  }

  /** Image of the MCP server with the task tools */
  @func({ cache: 'never' })
  async mcp(
    /** Such as linux/amd64 (default: the engine's own) */
    platform?: Platform,
  ): Promise<Container> {
    return image(await this.repository(), 'mcp', platform)
  }

  /** Image of the page: static files behind nginx */
  @func({ cache: 'never' })
  async frontend(
    /** Such as linux/amd64 (default: the engine's own) */
    platform?: Platform,
  ): Promise<Container> {
    return image(await this.repository(), 'frontend', platform)
  }

  /** Image of PostgreSQL with the roles of todo-chat, also used for backups of a database in the cluster */
  @func({ cache: 'never' })
  async database(
    /** Such as linux/amd64 (default: the engine's own) */
    platform?: Platform,
  ): Promise<Container> {
    return image(await this.repository(), 'database', platform)
  }

  /** Image that backs up, restores and drills an external PostgreSQL */
  @func({ cache: 'never' })
  async backupImage(
    /** Such as linux/amd64 (default: the engine's own) */
    platform?: Platform,
  ): Promise<Container> {
    return image(await this.repository(), 'backup', platform)
  }

  /** Run pytest in a container, with the database image bound as a service */
  @func()
  @check()
  async testBackend(): Promise<string> {
    return this.report(['test-backend'])
  }

  /** Send many generated requests to each operation of the backend, other ones each time; prints the seed that sends the same ones again */
  @func({ cache: 'never' })
  async fuzz(
    /** Requests to each operation */
    examples: number = 500,
    /** Decides which requests are sent (default: a new one) */
    seed?: number,
  ): Promise<string> {
    const check = fuzzCheck(await this.repository(), examples, seed ?? Date.now() % 1_000_000)
    return `${verdictOf(await runAll([check]))}the same requests again: ${check.again}\n`
  }

  /** Run Jest in a container */
  @func()
  @check()
  async testFrontend(): Promise<string> {
    return this.report(['test-frontend'])
  }

  /** Run the unit tests of the pipeline: deployer, module, manifests' rules, workflows */
  @func()
  @check()
  async testPipeline(): Promise<string> {
    return this.report(['test-pipeline'])
  }

  /** Back up, restore and cut both off, in the images of PostgreSQL that do it */
  @func()
  @check()
  async testDatabase(): Promise<string> {
    return this.report(['test-database', 'test-backup'])
  }

  /** Drive the page in headless Chromium and the tool server with its official client, against the built images */
  @func()
  @check()
  async testEndToEnd(): Promise<string> {
    return this.report(['test-e2e'])
  }

  /** Validate manifests and chart: schemas of three Kubernetes minors, kube-score, policies, equality of both renderings */
  @func()
  @check()
  async validate(): Promise<string> {
    return this.report(['validate'])
  }

  /** Make the pages that come from the code again and compare them; check links, and the names that pages mention */
  @func()
  @check()
  async docs(): Promise<string> {
    return this.report(['docs'])
  }

  /** Run all linters: ruff, mypy, import contracts, ESLint, tsc, hadolint, shellcheck, actionlint, zizmor */
  @func()
  @check()
  async lint(): Promise<string> {
    return verdictOf(await runAll(lintChecks(await this.repository())))
  }

  /** Run every check; gives a table, and fails with the output of each check that did not pass */
  @func({ cache: 'never' })
  async ci(
    /** Checks to run, by their names in the table (default: all); it says which are left out */
    only: string[] = [],
    /** Checks to leave out, by their names in the table, which says so */
    skip: string[] = [],
  ): Promise<string> {
    return verdictOf(await runAll(await this.everything(), { only, skip }))
  }

  /** Run every check, whatever the results, and export them: index.html, report.json, summary.md, junit/*.xml, and what checks keep (screenshots, conformance report); `ci-verdict` judges it */
  @func({ cache: 'never' })
  async ciReport(
    /** Checks to run, by their names in the table (default: all); it says which are left out */
    only: string[] = [],
    /** Checks to leave out, by their names in the table, which says so */
    skip: string[] = [],
  ): Promise<Directory> {
    const { runs, info } = await runAll(await this.everything(), { only, skip })
    return reportDirectory(runs, info)
  }

  /** Say what a report of the checks says; fail unless every check passed */
  @func({ cache: 'never' })
  async ciVerdict(
    /** Report, as `ci-report` gives it */
    report: Directory,
  ): Promise<string> {
    return judgeReport(report)
  }

  /** Hold many conversations at once against two backend replicas; a Markdown table compares them with a single one */
  @func({ cache: 'never' })
  async load(
    /** Conversations at once, five turns each */
    conversations: number = 200,
  ): Promise<string> {
    return load(await this.repository(), conversations)
  }

  /** The whole application on a laptop port, without Kubernetes: `dagger call up up` serves the page at port 8080 */
  @func({ cache: 'never' })
  async up(): Promise<Service> {
    const source = await this.repository()
    const { frontend } = await stack(source, { secrets: await randomSecrets(source, String(Date.now())) })
    return this.launched ? wayIn(source, frontend, [8080]) : frontend
  }

  /** A Kubernetes cluster on laptop ports: `npm run dagger -- call cluster up --ports 6443:6443,8080:80`; see `kubeconfig`. Started again, it is as it was */
  @func({ cache: 'never' })
  async cluster(
    /** What it is kept under, and where `kubeconfig` finds it */
    name: string = 'dev',
    /** Start an empty one: forget what is kept under this name */
    fresh: boolean = false,
  ): Promise<Service> {
    const node = await laptopCluster(this.clusterImage, { name, clone: this.clone }, fresh)
    return this.launched ? wayIn(await this.repository(), node, [6443, 80]) : node
  }

  /** Kubeconfig of the newest cluster of a name that `cluster up` has started */
  @func({ cache: 'never' })
  async kubeconfig(
    /** Name the cluster was started with */
    name: string = 'dev',
    /** Where its API answers on this machine */
    api: string = 'https://localhost:6443',
    /** With the node's address in the engine's network: for this module's functions, which need no port of this machine then */
    inside: boolean = false,
  ): Promise<File> {
    return kubeconfig(await image(await this.repository(), 'tools'), { name, clone: this.clone }, inside ? '' : api)
  }

  /** Bring the images into a cluster that `cluster up` runs, without a registry; gives their names as `publish` does */
  @func({ cache: 'never' })
  async sideload(
    /** API server of the cluster: tcp://127.0.0.1:6443 */
    api: Service,
    /** Name the cluster was started with */
    name: string = 'dev',
  ): Promise<File> {
    const source = await this.repository()
    return sideload(source, await image(source, 'tools'), api, { name, clone: this.clone })
  }

  /** Run the conformance suite on a fresh cluster, or on the one that --kubeconfig names; gives JUnit, JSON and a page, also of a failed run */
  @func({ cache: 'never' })
  async conformance(
    /** Kubeconfig of the cluster to judge (default: a fresh cluster) */
    kubeconfig?: Secret,
    /** Where that cluster's ingress answers */
    ingressUrl?: string,
    /** Give the report of a failed run instead of failing */
    keepGoing: boolean = false,
    /** Ids of requirements to ask, such as CONF-001 (default: all); the report says how many were left out */
    only: string[] = [],
    /** Ask in the random order of this number; the report names it */
    seed: string = '',
  ): Promise<Directory> {
    return reportUnless(keepGoing, await conformance(await this.repository(), this.clusterImage, only, seed, kubeconfig && { kubeconfig, ingressUrl }))
  }

  /** Prove the conformance suite: change the application for the worse on a fresh cluster, and see the named requirement turn red each time (half an hour) */
  @func({ cache: 'never' })
  async conformanceMutations(
    /** Give the report of a failed run instead of failing */
    keepGoing: boolean = false,
  ): Promise<Directory> {
    return reportUnless(keepGoing, await mutations(await this.repository(), this.clusterImage))
  }

  /** Run the deployer's fault matrix on a fresh cluster: what it says, its exit code, and what is in place afterwards (half an hour) */
  @func({ cache: 'never' })
  async faults(
    /** Names of files in tests/faults, such as crash-at-start (default: all) */
    only: string[] = [],
    /** Give the report of a failed run instead of failing */
    keepGoing: boolean = false,
  ): Promise<Directory> {
    return reportUnless(keepGoing, await faults(await this.repository(), this.clusterImage, only))
  }

  /** Measure the deployer on a fresh cluster, with Helm beside it; gives benchmarks.md */
  @func({ cache: 'never' })
  async deployerBenchmark(
    /** Of deployer, disturbances, faults, helm (default: all) */
    sections: string[] = [],
    /** How often each measurement is repeated */
    repetitions: number = 3,
    /** What the page names as the measured commit */
    commit: string = 'not given',
  ): Promise<Directory> {
    return reportUnless(false, await deployerBenchmark(await this.repository(), this.clusterImage, sections, commit, repetitions))
  }

  /** Rehearse the way of two commits to production by the workflows' own lines, with registry, clusters, database, model and provider around them; gives one page with every step (a quarter of an hour) */
  @func({ cache: 'never' })
  async rehearsal(
    /** Checks that the workflows' `ci` leaves out here, since it runs them anyway; the page names them */
    ciSkip: string[] = ['conformance', 'test-backend', 'test-frontend', 'test-pipeline', 'test-database', 'test-backup', 'test-e2e', 'docs', 'lint-backend', 'lint-frontend', 'lint-pipeline'],
    /** Give the page of a failed run instead of failing */
    keepGoing: boolean = false,
  ): Promise<Directory> {
    return reportUnless(keepGoing, await rehearsal(await this.repository(), this.clusterImage, ciSkip))
  }

  /** Build the images, push them under a tag, and give their addresses by digest as JSON; a commit's images are published once */
  @func({ cache: 'never' })
  async publish(
    /** Where the images go, such as ghcr.io/owner/todo-chat; capital letters become small ones */
    registry: string,
    /** Tag to push under, best the commit; a deployment uses the digests */
    tag: string,
    /** User of the registry */
    username?: string,
    /** Password or token of that user */
    password?: Secret,
    /** Certificates of a private authority that the registry is trusted by, as PEM (empty: the public ones) */
    registryCa?: Secret,
    /** Move a tag that holds another image (default: refused; a commit's tag gives what was published first) */
    overwrite: boolean = false,
    /** Private key that signs the images: EC, curve P-256, PEM, such as env://SIGNING_KEY; an empty text signs nothing */
    signingKey?: Secret,
  ): Promise<File> {
    const source = await this.repository()
    const place = { registry, tag, username, password, authorities: registryCa }
    const sign = await signer(source, place, signingKey)
    const images = await Promise.all(PUBLISHED.map(async (name) => [name, await image(source, name)] as const))
    return sign(await publishImages(await image(source, 'tools'), Object.fromEntries(images), place, overwrite))
  }

  /** Look up images that were published under a tag, and give their addresses by digest as JSON */
  @func({ cache: 'never' })
  async published(
    /** Where the images are, such as ghcr.io/owner/todo-chat; capital letters become small ones */
    registry: string,
    /** Tag they were pushed under */
    tag: string,
    /** User of the registry */
    username?: string,
    /** Password or token of that user */
    password?: Secret,
    /** Certificates of a private authority that the registry is trusted by, as PEM (empty: the public ones) */
    registryCa?: Secret,
  ): Promise<File> {
    return publishedImages(await image(await this.repository(), 'tools'), PUBLISHED, { registry, tag, username, password, authorities: registryCa })
  }

  /** What a team sets for its environments: names, meanings, defaults, and where they are required */
  @func()
  async settings(
    /** Answer as JSON */
    asJson: boolean = false,
  ): Promise<string> {
    return withoutCluster(await this.repository(), [...(asJson ? ['--json'] : []), 'settings'])
  }

  /** What an administrator applies once, so that a pipeline needs no right outside the namespace: YAML; asks no cluster */
  @func()
  async bootstrap(
    /** dev, staging or prod */
    env: string = 'dev',
  ): Promise<string> {
    return withoutCluster(await this.repository(), ['--env', env, 'bootstrap'])
  }

  /** Whether a deployment would find everything that it needs, row by row with the next step; changes nothing, fails when something is wrong */
  @func({ cache: 'never' })
  async doctor(
    /** Kubeconfig of the cluster */
    kubeconfig: Secret,
    /** dev, staging or prod */
    env: string = 'dev',
    /** Images by digest, as `publish` gives them */
    images?: File,
    /** Application secrets: a JSON object, key to value */
    secrets?: Secret,
    /** Settings of this environment as YAML or JSON, such as env://SETTINGS; an empty text sets nothing */
    settings?: Secret,
    /** One setting as name=value, which wins over the settings; may be repeated */
    set: string[] = [],
    /** Kubeconfig of staging, where production looks which digests were verified; an empty text means none */
    stagingKubeconfig?: Secret,
    /** API server as a service, for a cluster on this machine: tcp://127.0.0.1:6443 */
    api?: Service,
    /** Where the ingress answers, such as https://todo.example (default: the host) */
    ingressUrl?: string,
    /** Certificate authorities of the ingress as PEM, such as env://INGRESS_CA; an empty text means none */
    ingressCa?: Secret,
    /** Accept any certificate of the ingress */
    insecureIngress: boolean = false,
    /** Commit that is deployed, with -dirty appended where the tree was */
    commit?: string,
    /** Rules to set aside: dirty-tree, mutable-tag, no-backup, unverified, unsigned, role-password, unasked */
    allow: string[] = [],
    /** Context of the kubeconfig (default: its current one) */
    context: string = '',
    /** Answer as JSON */
    asJson: boolean = false,
    /** Public keys of those who may sign images, such as env://IMAGE_KEY; an empty text asks for no signature */
    imageKey?: Secret,
    /** Certificates of a private authority that the registry is trusted by, as PEM (empty: the public ones) */
    registryCa?: Secret,
  ): Promise<string> {
    const target = { env, kubeconfig, context, api, ingressUrl, commit }
    const inputs = { images, secrets, settings, set, stagingKubeconfig, imageKey, registryCa, allow, forceConflicts: false, adopt: false, pruneData: false }
    const [prepared, release] = withRelease(await deployer(await this.repository(), target), inputs)
    const [container, run] = await withRun(prepared, target, { ingressCa, insecureIngress, timeout: '' })
    return textOf(await deliver(container, target, [...(asJson ? ['--json'] : []), 'doctor', ...release, ...run]))
  }

  /** Show what a deployment would change, object by object, secret values masked */
  @func({ cache: 'never' })
  async plan(
    /** Kubeconfig of the cluster */
    kubeconfig: Secret,
    /** dev, staging or prod */
    env: string = 'dev',
    /** Images by digest, as `publish` gives them */
    images?: File,
    /** Application secrets: a JSON object, key to value */
    secrets?: Secret,
    /** API server as a service, for a cluster on this machine: tcp://127.0.0.1:6443 */
    api?: Service,
    /** Commit that is deployed, with -dirty appended where the tree was */
    commit?: string,
    /** Answer as JSON */
    asJson: boolean = false,
    /** Fail when there is something to change */
    failOnChange: boolean = false,
    /** Kubeconfig of staging, where production looks which digests were verified; an empty text means none */
    stagingKubeconfig?: Secret,
    /** Rules to set aside: dirty-tree, mutable-tag, no-backup, unverified, unsigned, role-password, unasked */
    allow: string[] = [],
    /** Settings of this environment as YAML or JSON, such as env://SETTINGS; an empty text sets nothing */
    settings?: Secret,
    /** One setting as name=value, which wins over the settings; may be repeated */
    set: string[] = [],
    /** Take over fields that other managers own */
    forceConflicts: boolean = false,
    /** Take over objects of the same name that somebody else made */
    adopt: boolean = false,
    /** Also remove volumes that are no longer in the manifests */
    pruneData: boolean = false,
    /** Context of the kubeconfig (default: its current one) */
    context: string = '',
    /** Public keys of those who may sign images, such as env://IMAGE_KEY; an empty text asks for no signature */
    imageKey?: Secret,
    /** Certificates of a private authority that the registry is trusted by, as PEM (empty: the public ones) */
    registryCa?: Secret,
  ): Promise<string> {
    const target = { env, kubeconfig, context, api, commit }
    const [container, options] = withRelease(await deployer(await this.repository(), target), { images, secrets, settings, set, stagingKubeconfig, imageKey, registryCa, allow, forceConflicts, adopt, pruneData })
    const delivered = await deliver(container, target, [...(asJson ? ['--json'] : []), 'plan', ...options])
    return textOf(delivered, failOnChange ? [0] : [0, 2])
  }

  /** Deploy: apply, watch, verify, measure; roll back and fail when the new version does not hold */
  @func({ cache: 'never' })
  async deploy(
    /** Kubeconfig of the cluster */
    kubeconfig: Secret,
    /** dev, staging or prod */
    env: string = 'dev',
    /** Images by digest, as `publish` gives them */
    images?: File,
    /** Application secrets: a JSON object, key to value */
    secrets?: Secret,
    /** A plan saved by the deployer; refused when the cluster has changed since */
    savedPlan?: File,
    /** Kubeconfig of staging, where production looks which digests were verified */
    stagingKubeconfig?: Secret,
    /** API server as a service, for a cluster on this machine: tcp://127.0.0.1:6443 */
    api?: Service,
    /** Ingress controller as a service, for a cluster on this machine: tcp://127.0.0.1:80 */
    ingress?: Service,
    /** Where the ingress answers, such as https://todo.example */
    ingressUrl?: string,
    /** Commit that is deployed, with -dirty appended where the tree was */
    commit?: string,
    /** Who deploys, for the history */
    who?: string,
    /** Rules to set aside: dirty-tree, mutable-tag, no-backup, unverified, unsigned, role-password, unasked */
    allow: string[] = [],
    /** Settings of this environment as YAML or JSON, such as env://SETTINGS; an empty text sets nothing */
    settings?: Secret,
    /** One setting as name=value, which wins over the settings; may be repeated */
    set: string[] = [],
    /** Take over fields that other managers own */
    forceConflicts: boolean = false,
    /** Take over objects of the same name that somebody else made */
    adopt: boolean = false,
    /** Also remove volumes that are no longer in the manifests */
    pruneData: boolean = false,
    /** Context of the kubeconfig (default: its current one) */
    context: string = '',
    /** Certificate authorities of the ingress as PEM, such as env://INGRESS_CA; an empty text means none */
    ingressCa?: Secret,
    /** Accept any certificate of the ingress */
    insecureIngress: boolean = false,
    /** Limit of the way forward, such as 20m (default: 15m) */
    timeout: string = '',
    /** Requests a second of the availability measurement; 0 measures nothing (default: 100) */
    rate?: number,
    /** Leave a failed release in place */
    noRollback: boolean = false,
    /** Migrate without a backup */
    noBackup: boolean = false,
    /** Most requests that may fail during the rollout, or a share such as 0.1%; with more it is stopped and rolled back (default: any number) */
    maxFailed: string = '',
    /** Public keys of those who may sign images, such as env://IMAGE_KEY; an empty text asks for no signature */
    imageKey?: Secret,
    /** Certificates of a private authority that the registry is trusted by, as PEM (empty: the public ones) */
    registryCa?: Secret,
  ): Promise<string> {
    return textOf(
      await this.deployed(
        { env, kubeconfig, context, api, ingress, ingressUrl, commit, who },
        { images, secrets, settings, set, savedPlan, stagingKubeconfig, imageKey, registryCa, allow, forceConflicts, adopt, pruneData },
        { ingressCa, insecureIngress, timeout, rate },
        { noRollback, noBackup, maxFailed },
      ),
    )
  }

  /** Deploy, and give the report whatever the result: report.json, report.md, report.html, streams and exit code */
  @func({ cache: 'never' })
  async deployReport(
    /** Kubeconfig of the cluster */
    kubeconfig: Secret,
    /** dev, staging or prod */
    env: string = 'dev',
    /** Images by digest, as `publish` gives them */
    images?: File,
    /** Application secrets: a JSON object, key to value */
    secrets?: Secret,
    /** A plan saved by the deployer; refused when the cluster has changed since */
    savedPlan?: File,
    /** Kubeconfig of staging, where production looks which digests were verified */
    stagingKubeconfig?: Secret,
    /** API server as a service, for a cluster on this machine: tcp://127.0.0.1:6443 */
    api?: Service,
    /** Ingress controller as a service, for a cluster on this machine: tcp://127.0.0.1:80 */
    ingress?: Service,
    /** Where the ingress answers, such as https://todo.example */
    ingressUrl?: string,
    /** Commit that is deployed, with -dirty appended where the tree was */
    commit?: string,
    /** Who deploys, for the history */
    who?: string,
    /** Rules to set aside: dirty-tree, mutable-tag, no-backup, unverified, unsigned, role-password, unasked */
    allow: string[] = [],
    /** Settings of this environment as YAML or JSON, such as env://SETTINGS; an empty text sets nothing */
    settings?: Secret,
    /** One setting as name=value, which wins over the settings; may be repeated */
    set: string[] = [],
    /** Take over fields that other managers own */
    forceConflicts: boolean = false,
    /** Take over objects of the same name that somebody else made */
    adopt: boolean = false,
    /** Also remove volumes that are no longer in the manifests */
    pruneData: boolean = false,
    /** Context of the kubeconfig (default: its current one) */
    context: string = '',
    /** Certificate authorities of the ingress as PEM, such as env://INGRESS_CA; an empty text means none */
    ingressCa?: Secret,
    /** Accept any certificate of the ingress */
    insecureIngress: boolean = false,
    /** Limit of the way forward, such as 20m (default: 15m) */
    timeout: string = '',
    /** Requests a second of the availability measurement; 0 measures nothing (default: 100) */
    rate?: number,
    /** Leave a failed release in place */
    noRollback: boolean = false,
    /** Migrate without a backup */
    noBackup: boolean = false,
    /** Most requests that may fail during the rollout, or a share such as 0.1%; with more it is stopped and rolled back (default: any number) */
    maxFailed: string = '',
    /** Public keys of those who may sign images, such as env://IMAGE_KEY; an empty text asks for no signature */
    imageKey?: Secret,
    /** Certificates of a private authority that the registry is trusted by, as PEM (empty: the public ones) */
    registryCa?: Secret,
  ): Promise<Directory> {
    return reportOf(
      await this.deployed(
        { env, kubeconfig, context, api, ingress, ingressUrl, commit, who },
        { images, secrets, settings, set, savedPlan, stagingKubeconfig, imageKey, registryCa, allow, forceConflicts, adopt, pruneData },
        { ingressCa, insecureIngress, timeout, rate },
        { noRollback, noBackup, maxFailed },
      ),
    )
  }

  /** Say what a deployment's report says; fail unless the release is in place and proven */
  @func({ cache: 'never' })
  async verdict(
    /** Report, as `deploy-report` gives it */
    report: Directory,
  ): Promise<string> {
    if (!(await report.exists('report.json'))) throw new Error(`the deployment wrote no report:\n${await report.file('stderr.txt').contents()}`)
    const { result } = JSON.parse(await report.file('report.json').contents()) as { result: string }
    const text = await report.file('report.md').contents()
    if (result !== 'succeeded' && result !== 'unchanged') throw new Error(text)
    return text
  }

  /** Go back to an earlier revision, and prove it */
  @func({ cache: 'never' })
  async rollback(
    /** Kubeconfig of the cluster */
    kubeconfig: Secret,
    /** dev, staging or prod */
    env: string = 'dev',
    /** Revision to go back to (default: the one before) */
    to?: number,
    /** Bring back the values of its Secrets too (default: keys and passwords stay as they are now) */
    restoreSecrets: boolean = false,
    /** API server as a service, for a cluster on this machine: tcp://127.0.0.1:6443 */
    api?: Service,
    /** Ingress controller as a service, for a cluster on this machine: tcp://127.0.0.1:80 */
    ingress?: Service,
    /** Where the ingress answers, such as https://todo.example */
    ingressUrl?: string,
    /** Who deploys, for the history */
    who?: string,
    /** Context of the kubeconfig (default: its current one) */
    context: string = '',
    /** Certificate authorities of the ingress as PEM, such as env://INGRESS_CA; an empty text means none */
    ingressCa?: Secret,
    /** Accept any certificate of the ingress */
    insecureIngress: boolean = false,
    /** Limit of the way forward, such as 20m (default: 15m) */
    timeout: string = '',
    /** Requests a second of the availability measurement; 0 measures nothing (default: 100) */
    rate?: number,
  ): Promise<string> {
    const target = { env, kubeconfig, context, api, ingress, ingressUrl, who }
    const [container, run] = await withRun(await deployer(await this.repository(), target), target, { ingressCa, insecureIngress, timeout, rate })
    return textOf(await deliver(container, target, ['rollback', ...(to === undefined || to === null ? [] : ['--to', String(to)]), ...(restoreSecrets ? ['--restore-secrets'] : []), ...run]))
  }

  /** What runs where: revision, digests, age, health; fails when it is not healthy */
  @func({ cache: 'never' })
  async status(
    /** Kubeconfig of the cluster */
    kubeconfig: Secret,
    /** dev, staging or prod */
    env: string = 'dev',
    /** API server as a service, for a cluster on this machine: tcp://127.0.0.1:6443 */
    api?: Service,
    /** Answer as JSON */
    asJson: boolean = false,
  ): Promise<string> {
    return this.ask({ env, kubeconfig, api }, 'status', asJson)
  }

  /** What has changed in the cluster since the last deployment; fails when anything has */
  @func({ cache: 'never' })
  async drift(
    /** Kubeconfig of the cluster */
    kubeconfig: Secret,
    /** dev, staging or prod */
    env: string = 'dev',
    /** API server as a service, for a cluster on this machine: tcp://127.0.0.1:6443 */
    api?: Service,
    /** Answer as JSON */
    asJson: boolean = false,
  ): Promise<string> {
    return this.ask({ env, kubeconfig, api }, 'drift', asJson)
  }

  /** Who deployed what and when, with the result */
  @func({ cache: 'never' })
  async history(
    /** Kubeconfig of the cluster */
    kubeconfig: Secret,
    /** dev, staging or prod */
    env: string = 'dev',
    /** API server as a service, for a cluster on this machine: tcp://127.0.0.1:6443 */
    api?: Service,
    /** Answer as JSON */
    asJson: boolean = false,
  ): Promise<string> {
    return this.ask({ env, kubeconfig, api }, 'history', asJson)
  }

  /** Back the database up: dump, globals, checksums and a manifest with row counts, in one tar file */
  @func({ cache: 'never' })
  async backup(
    /** Kubeconfig of the cluster */
    kubeconfig: Secret,
    /** dev, staging or prod */
    env: string = 'dev',
    /** API server as a service, for a cluster on this machine: tcp://127.0.0.1:6443 */
    api?: Service,
  ): Promise<File> {
    const target = { env, kubeconfig, api }
    const delivered = await deliver(await deployer(await this.repository(), target), target, ['backup', '--out', '/tmp/backup.tar'])
    textOf(delivered)
    return delivered.container.file('/tmp/backup.tar')
  }

  /** Bring a backup back; a database that has rows is refused */
  @func({ cache: 'never' })
  async restore(
    /** Backup, as `backup` gives it */
    archive: File,
    /** Kubeconfig of the cluster */
    kubeconfig: Secret,
    /** dev, staging or prod */
    env: string = 'dev',
    /** API server as a service, for a cluster on this machine: tcp://127.0.0.1:6443 */
    api?: Service,
    /** Replace the rows that are there */
    force: boolean = false,
  ): Promise<string> {
    const target = { env, kubeconfig, api }
    const [container, from] = withInput(await deployer(await this.repository(), target), '--from', 'backup.tar', archive)
    return textOf(await deliver(container, target, ['restore', ...from, ...(force ? ['--force'] : [])]))
  }

  /** Bring back what the newest restore has put aside, and put aside what is there */
  @func({ cache: 'never' })
  async restoreUndo(
    /** Kubeconfig of the cluster */
    kubeconfig: Secret,
    /** dev, staging or prod */
    env: string = 'dev',
    /** API server as a service, for a cluster on this machine: tcp://127.0.0.1:6443 */
    api?: Service,
  ): Promise<string> {
    return this.ask({ env, kubeconfig, api }, 'restore-undo', false)
  }

  /** Drop what restores have put aside */
  @func({ cache: 'never' })
  async restoreForget(
    /** Kubeconfig of the cluster */
    kubeconfig: Secret,
    /** dev, staging or prod */
    env: string = 'dev',
    /** API server as a service, for a cluster on this machine: tcp://127.0.0.1:6443 */
    api?: Service,
  ): Promise<string> {
    return this.ask({ env, kubeconfig, api }, 'restore-forget', false)
  }

  /** Restore a backup into a fresh PostgreSQL beside the real one, and compare rows, content and schema revision */
  @func({ cache: 'never' })
  async restoreDrill(
    /** Kubeconfig of the cluster */
    kubeconfig: Secret,
    /** dev, staging or prod */
    env: string = 'dev',
    /** Backup to try (default: a new one) */
    archive?: File,
    /** API server as a service, for a cluster on this machine: tcp://127.0.0.1:6443 */
    api?: Service,
  ): Promise<string> {
    const target = { env, kubeconfig, api }
    const [container, from] = withInput(await deployer(await this.repository(), target), '--from', 'backup.tar', archive)
    return textOf(await deliver(container, target, ['restore-drill', ...from]))
  }

  private repository(): Promise<Directory> {
    return byContent(this.source)
  }

  private async ask(target: Target, command: string, json: boolean): Promise<string> {
    return textOf(await deliver(await deployer(await this.repository(), target), target, [...(json ? ['--json'] : []), command]))
  }

  private async deployed(target: Target, inputs: ReleaseInputs, runInputs: RunInputs, how: { noRollback: boolean; noBackup: boolean; maxFailed: string }) {
    const [prepared, release] = withRelease(await deployer(await this.repository(), target), inputs)
    const [container, run] = await withRun(prepared, target, runInputs)
    return deliver(container, target, ['deploy', ...release, ...run, ...(how.noRollback ? ['--no-rollback'] : []), ...(how.noBackup ? ['--no-backup'] : []), ...(how.maxFailed === '' ? [] : [`--max-failed=${how.maxFailed}`]), ...REPORT_OPTIONS])
  }

  private async everything(): Promise<Check[]> {
    const source = await this.repository()
    return [...checks(source), besideOthers(e2eCheck(source), availableParallelism()), conformanceCheck(source, this.clusterImage)]
  }

  private async report(names: string[]): Promise<string> {
    return verdictOf(await runAll((await this.everything()).filter(({ name }) => names.includes(name))))
  }
}

/** @returns the report of a run @throws Error with what it printed, when it failed and its report is not wanted */
function reportUnless(keepGoing: boolean, { exitCode, output, report }: Pick<Execution, 'exitCode' | 'output' | 'report'>): Directory {
  if (exitCode !== 0 && !keepGoing) throw new Error(output)
  return report
}

/** @returns the table @throws Error with the table and what explains it, unless every check passed */
function verdictOf({ runs, info }: Awaited<ReturnType<typeof runAll>>): string {
  const results = runs.map(({ result }) => result)
  if (!allPassed(results)) throw new Error(failureText(results, info))
  return `${table(results, info)}\n`
}
