/** Everything that the suite takes from the environment. */
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { BadInput } from '../../deploy/src/errors.ts'
import { type Environment, ENVIRONMENTS, OVERLAYS } from '../../deploy/src/release/gates.ts'
import { type Images, parseImages } from '../../deploy/src/release/images.ts'
import { NAMESPACES } from '../../deploy/src/release/render.ts'

export interface Settings {
  kubeconfig: string
  /** Namespace of the application; it names the environment. */
  namespace: string
  environment: Environment
  /** Where the ingress controller listens; found in the cluster when it is not given. */
  ingressUrl: URL | undefined
  /** File of image references for the deployer, and its content. */
  images: { file: string; references: Images } | undefined
  /** False: judge what runs, deploy nothing. */
  deploy: boolean
  /** Ids of the requirements to ask; empty: all. */
  only: readonly string[]
  /** Order of the requirements; absent: the one that takes the least time. */
  seed: number | undefined
  reportDir: string
  /** What the report says about the cluster. */
  clusterLabel: string
  root: string
}

type Env = Record<string, string | undefined>

/**
 * Reads the settings.
 *
 * | variable | meaning | default |
 * |---|---|---|
 * | `KUBECONFIG` | one kubeconfig file | none: an error |
 * | `CONFORMANCE_NAMESPACE` | namespace of the application | `todo-chat-dev` |
 * | `CONFORMANCE_INGRESS_URL` | where the ingress controller listens | address of the cluster's Traefik Service |
 * | `CONFORMANCE_IMAGES` | JSON file, image name → reference | tags of the manifests |
 * | `CONFORMANCE_DEPLOY` | `false`: judge what runs already | `true` |
 * | `CONFORMANCE_ONLY` | requirements to ask, as `CONF-001,CONF-260` | all |
 * | `CONFORMANCE_SEED` | a whole number: ask in the random order that it stands for | the order that takes the least time |
 * | `CLUSTER_LABEL` | which cluster ran | `cluster of the kubeconfig` |
 * | `REPORT_DIR` | folder of the report | `report/conformance` |
 *
 * @throws BadInput that names the variable
 */
export function readSettings(env: Env, root: string): Settings {
  const kubeconfig = env['KUBECONFIG']
  if (!kubeconfig) throw new BadInput('KUBECONFIG is not set', { next: 'set it to the kubeconfig of the cluster to judge' })
  const namespace = env['CONFORMANCE_NAMESPACE'] || 'todo-chat-dev'
  const environment = ENVIRONMENTS.find((name) => NAMESPACES[OVERLAYS[name]] === namespace)
  if (environment === undefined) {
    throw new BadInput(`CONFORMANCE_NAMESPACE ${namespace} belongs to no environment`, { next: `choose one of ${Object.values(NAMESPACES).join(', ')}` })
  }
  return {
    kubeconfig,
    namespace,
    environment,
    ingressUrl: httpUrl(env, 'CONFORMANCE_INGRESS_URL'),
    images: imagesFile(env),
    deploy: flag(env, 'CONFORMANCE_DEPLOY', true),
    only: (env['CONFORMANCE_ONLY'] ?? '').split(',').filter(Boolean),
    seed: wholeNumber(env, 'CONFORMANCE_SEED'),
    reportDir: resolve(root, env['REPORT_DIR'] || 'report/conformance'),
    clusterLabel: env['CLUSTER_LABEL'] || 'cluster of the kubeconfig',
    root,
  }
}

function wholeNumber(env: Env, name: string): number | undefined {
  const text = env[name]
  if (!text) return undefined
  if (!/^\d{1,9}$/.test(text)) throw new BadInput(`${name} is ${text}, expected a whole number of at most nine digits`)
  return Number(text)
}

function httpUrl(env: Env, name: string): URL | undefined {
  const text = env[name]
  if (!text) return undefined
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) throw new BadInput(`${name} ${text} is not an http or https address`)
  return new URL(text)
}

function imagesFile(env: Env): Settings['images'] {
  const file = env['CONFORMANCE_IMAGES']
  if (!file) return undefined
  if (!existsSync(file)) throw new BadInput(`CONFORMANCE_IMAGES ${file}: no such file`)
  return { file: resolve(file), references: parseImages(readFileSync(file, 'utf8'), file) }
}

function flag(env: Env, name: string, standard: boolean): boolean {
  const text = env[name]
  if (!text) return standard
  if (text !== 'true' && text !== 'false') throw new BadInput(`${name} is ${text}, expected true or false`)
  return text === 'true'
}
