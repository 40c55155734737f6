/** What requirements ask: the cluster, the namespace, the application. Opened once per run. */
import { hostname } from 'node:os'
import { systemClock } from '../../deploy/src/_poll.ts'
import { type Cluster, connect } from '../../deploy/src/cluster/client.ts'
import { loadKubeconfig } from '../../deploy/src/cluster/kubeconfig.ts'
import { ingressHost } from '../../deploy/src/proof/entrances.ts'
import { signingKey } from '../../deploy/src/proof/prober.ts'
import { todoChat } from '../../deploy/src/todo-chat.ts'
import { ClusterError, DeployError, LockHeld } from '../../deploy/src/errors.ts'
import { OVERLAYS } from '../../deploy/src/release/gates.ts'
import { type HttpTarget, ingressTarget } from '../../deploy/src/cluster/http.ts'
import { withImages } from '../../deploy/src/release/images.ts'
import { Lock } from '../../deploy/src/cluster/lock.ts'
import type { KubeObject, RenderedObject } from '../../deploy/src/release/objects.ts'
import { type Environment as Overlay, render } from '../../deploy/src/release/render.ts'
import { Application } from './app.ts'
import { releaseArgs, runArgs, runDeployer } from './deployer.ts'
import type { Kill } from './kill.ts'
import { Kube, waitFor } from './kube.ts'
import { type Facts, MET, missing } from './needs.ts'
import type { Settings } from './settings.ts'
import { PAUSES, TIMEOUTS } from './timeouts.ts'

export interface World {
  readonly settings: Settings
  readonly cluster: Cluster
  readonly kube: Kube
  /** Namespace of the application. */
  readonly namespace: string
  /** Namespace of this run, without policies and quotas; removed at the end. */
  readonly scratch: string
  /** Aborts when the cluster is lost or the run is stopped. */
  readonly signal: AbortSignal
  /** Stops the run: a requirement could not be brought to its end, and would change the cluster under the next one. */
  stop(reason: Error): void
  readonly facts: Facts
  /** Milliseconds since the epoch. */
  readonly openedAt: number
  /** When a requirement of lane `alone` ended last: pods from before may have been unready in it. Milliseconds since the epoch. */
  readonly disturbed: { at: number | undefined }
  /** What this run has killed so far; requirements add to it. */
  readonly kills: Kill[]
  /** The deployer's own report of the first deployment of this run; absent when nothing was deployed. */
  readonly deployed: DeployReport | undefined
  /** An image with Python. @throws Error when the application is not deployed */
  probeImage(): string
  /** The application through the ingress. @throws Error when there is no way in */
  app(): Application
  /** Where the ingress controller listens. @throws Error when that is not known */
  ingressUrl(): URL
  /** Objects of an overlay; the images of this run for the deployed one. */
  rendered(overlay: Overlay): Promise<RenderedObject[]>
}

export interface DeployReport {
  result: string
  summary: string
  durationMs: number
  /** What went wrong first. */
  failure?: { message: string }
}

/** Namespace of a run, and of the lock that keeps a second run out. */
const SCRATCH = 'todo-chat-conformance'
const RESTRICTED = { 'pod-security.kubernetes.io/enforce': 'restricted' }

export interface OpenWorld extends AsyncDisposable {
  world: World
  kubernetes: string
}

/**
 * Connects, keeps other runs out, deploys the application and finds out what the cluster has.
 * @throws DeployError when the cluster cannot be used at all
 */
export async function openWorld(settings: Settings, interrupt: AbortSignal): Promise<OpenWorld> {
  const cluster = await connect({ kubeconfig: settings.kubeconfig, patienceMs: TIMEOUTS.api })
  const cleanUp: (() => Promise<unknown>)[] = []
  const close = async (): Promise<void> => {
    for (const step of cleanUp.reverse()) await step()
  }
  try {
    const world = await prepare(settings, cluster, interrupt, (step) => cleanUp.push(step))
    return { world, kubernetes: await cluster.version(), [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}

async function prepare(settings: Settings, cluster: Cluster, interrupt: AbortSignal, atEnd: (step: () => Promise<unknown>) => void): Promise<World> {
  await makeScratch(cluster, interrupt)
  const lock = await takeLock(cluster, interrupt)
  // The lock goes first and its namespace last: a run that waits takes over an existing namespace or makes a new one.
  const lost = watchCluster(cluster)
  // The lock goes first and its namespace last: a run that waits takes over an existing namespace or makes a new one.
  // A lost cluster takes nothing back; the lock on it expires.
  const whileThere = (step: () => Promise<unknown>): void => atEnd(async () => void (lost.signal.aborted || (await step())))
  whileThere(() => cluster.remove(scratchRef).catch(ignoreClusterError))
  whileThere(() => lock[Symbol.asyncDispose]())
  atEnd(lost.stop)
  const stopped = new AbortController()
  const signal = AbortSignal.any([interrupt, lost.signal, stopped.signal])

  const ingressUrl = settings.ingressUrl ?? (await findIngress(cluster))
  const { report, fact: application } = settings.deploy ? await deploy(settings, ingressUrl, signal) : { report: undefined, fact: await isDeployed(cluster, settings.namespace) }
  const image = await backendImage(cluster, settings.namespace)
  const entrance = await openIngress(cluster, settings, ingressUrl)
  if (entrance.target !== undefined) atEnd(() => entrance.target.close())
  const facts: Facts = {
    application,
    ingress: entrance.fact,
    metrics: await hasMetrics(cluster, signal),
    'probe image': image === undefined ? missing('there is no Deployment backend whose image could be used') : MET,
    render: await canRender(settings),
  }
  return {
    settings,
    cluster,
    kube: new Kube(loadKubeconfig(settings.kubeconfig)),
    namespace: settings.namespace,
    scratch: SCRATCH,
    signal,
    stop: (reason) => stopped.abort(reason),
    facts,
    openedAt: Date.now(),
    disturbed: { at: undefined },
    kills: [],
    deployed: report,
    probeImage: () => image ?? raise('no image for probe pods: the application is not deployed'),
    app: () => new Application(entrance.target ?? raise('the ingress cannot be reached'), () => readKey(cluster, settings.namespace)),
    ingressUrl: () => ingressUrl ?? raise('the address of the ingress is not known'),
    rendered: async (overlay) => {
      const objects = await render({ manifests: `${settings.root}/manifests`, environment: overlay, signal })
      return overlay === OVERLAYS[settings.environment] ? withImages(objects, settings.images?.references ?? {}) : objects
    },
  }
}

function raise(message: string): never {
  throw new Error(message)
}

function ignoreClusterError(error: unknown): void {
  if (!(error instanceof ClusterError)) throw error
}

const scratchRef = { apiVersion: 'v1', kind: 'Namespace', name: SCRATCH }

/** A namespace that an earlier run left is used up first: its pods are gone before ours come. */
async function makeScratch(cluster: Cluster, signal: AbortSignal): Promise<void> {
  await waitFor(`namespace ${SCRATCH} of an earlier run to be gone`, TIMEOUTS.replaced, signal, async () => {
    const found = await cluster.get(scratchRef)
    return found?.metadata.deletionTimestamp === undefined ? true : 'it is being deleted'
  })
  await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: SCRATCH, labels: RESTRICTED } })
  await waitFor(`service account default of namespace ${SCRATCH}`, TIMEOUTS.read, signal, async () => {
    const account = await cluster.get({ apiVersion: 'v1', kind: 'ServiceAccount', namespace: SCRATCH, name: 'default' })
    return account === undefined ? 'there is none yet' : true
  })
}

async function takeLock(cluster: Cluster, signal: AbortSignal): Promise<Lock> {
  try {
    return await Lock.acquire(cluster, systemClock, SCRATCH, { holder: `conformance, ${hostname()}, pid ${process.pid}`, waitMs: 20_000, signal })
  } catch (error) {
    if (!(error instanceof LockHeld)) throw error
    throw new DeployError(`another conformance run judges this cluster: the Lease in namespace ${SCRATCH} is held`, { cause: error, next: 'wait for it, or give this run a cluster of its own' })
  }
}

/** Asks the API server all the time, so that a dead node ends the run instead of every wait running out. */
export function watchCluster(cluster: Pick<Cluster, 'version'>): { signal: AbortSignal; stop: () => Promise<void> } {
  const lost = new AbortController()
  const over = new AbortController()
  const watching = (async () => {
    while (!over.signal.aborted) {
      try {
        await answeredWithin(TIMEOUTS.clusterLost, cluster.version())
        await systemClock.sleep(PAUSES.margin, over.signal)
      } catch (error) {
        if (over.signal.aborted) return
        lost.abort(new DeployError(`the cluster is lost: ${(error as Error).message}`, { cause: error }))
        return
      }
    }
  })()
  return {
    signal: lost.signal,
    stop: async () => {
      over.abort()
      await watching
    },
  }
}

/** A server whose node was stopped does not even refuse: its connections stay open. */
async function answeredWithin(ms: number, answer: Promise<unknown>): Promise<void> {
  const over = new AbortController()
  const late = systemClock.sleep(ms, over.signal).then(() => Promise.reject(new Error(`the API server was silent for ${ms / 1000} s`)))
  try {
    await Promise.race([answer, late])
  } finally {
    over.abort()
    late.catch(() => undefined)
    answer.catch(() => undefined)
  }
}

async function deploy(settings: Settings, ingressUrl: URL | undefined, signal: AbortSignal): Promise<{ report: DeployReport | undefined; fact: Facts['application'] }> {
  const run = await runDeployer(settings, ['deploy', ...releaseArgs(settings), ...runArgs(settings, ingressUrl)], signal)
  const report = parseReport(run.stdout)
  if (run.exitCode === 0) return { report, fact: MET }
  const reasons = [report?.failure?.message, report?.summary ?? (run.stderr.trim().slice(-600) || 'no output')].filter((reason) => reason !== undefined)
  return { report, fact: missing(`the deployer ended with exit code ${run.exitCode}: ${reasons.join('; ')}`) }
}

function parseReport(text: string): DeployReport | undefined {
  try {
    return JSON.parse(text) as DeployReport
  } catch {
    return undefined
  }
}

async function isDeployed(cluster: Cluster, namespace: string): Promise<Facts['application']> {
  const image = await backendImage(cluster, namespace)
  return image === undefined ? missing(`there is no Deployment backend in namespace ${namespace}, and CONFORMANCE_DEPLOY is false`) : MET
}

async function backendImage(cluster: Cluster, namespace: string): Promise<string | undefined> {
  const deployment = await cluster.get({ apiVersion: 'apps/v1', kind: 'Deployment', namespace, name: 'backend' })
  const spec = deployment?.['spec'] as { template?: { spec?: { containers?: { image?: string }[] } } } | undefined
  return spec?.template?.spec?.containers?.[0]?.image
}

async function findIngress(cluster: Cluster): Promise<URL | undefined> {
  const service = await cluster.get({ apiVersion: 'v1', kind: 'Service', namespace: 'kube-system', name: 'traefik' })
  const status = service?.['status'] as { loadBalancer?: { ingress?: { ip?: string; hostname?: string }[] } } | undefined
  const [address] = status?.loadBalancer?.ingress ?? []
  const host = address?.ip ?? address?.hostname
  return host === undefined ? undefined : new URL(`http://${host}`)
}

type Entrance = { target: HttpTarget; fact: Facts['ingress'] } | { target: undefined; fact: Facts['ingress'] }

async function openIngress(cluster: Cluster, settings: Settings, url: URL | undefined): Promise<Entrance> {
  if (url === undefined) return { target: undefined, fact: missing('the Service traefik in kube-system has no address, and CONFORMANCE_INGRESS_URL is not set') }
  const ingresses = await cluster.list({ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress' }, settings.namespace)
  if (ingresses.length === 0) return { target: undefined, fact: missing(`there is no Ingress in namespace ${settings.namespace}`) }
  const target = ingressTarget(url, ingressHost(ingresses), false)
  try {
    await target.send({ method: 'GET', path: '/' }, TIMEOUTS.request)
    return { target, fact: MET }
  } catch (error) {
    await target.close()
    return { target: undefined, fact: missing(`${url.href} does not answer (${(error as Error).message})`) }
  }
}

async function hasMetrics(cluster: Cluster, signal: AbortSignal): Promise<Facts['metrics']> {
  try {
    return await waitFor('figures of the metrics API', TIMEOUTS.metrics, signal, async () => {
      const figures = await cluster.list({ apiVersion: 'metrics.k8s.io/v1beta1', kind: 'PodMetrics' }).catch(toEmpty)
      return figures.length === 0 ? 'no figures' : MET
    })
  } catch (error) {
    if (signal.aborted) throw error
    return missing((error as Error).message)
  }
}

function toEmpty(error: unknown): KubeObject[] {
  if (error instanceof ClusterError) return []
  throw error
}

async function canRender(settings: Settings): Promise<Facts['render']> {
  try {
    await render({ manifests: `${settings.root}/manifests`, environment: OVERLAYS[settings.environment] })
    return MET
  } catch (error) {
    return missing((error as Error).message)
  }
}

async function readKey(cluster: Cluster, namespace: string): Promise<Buffer> {
  const secrets = await cluster.list({ apiVersion: 'v1', kind: 'Secret' }, namespace)
  return signingKey(todoChat.proof.tokens, secrets) ?? raise(`no Secret in namespace ${namespace} has a jwt-key`)
}

