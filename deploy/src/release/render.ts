/** A kustomize overlay or the Helm chart → objects that remember the file a person would edit to change them. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { parse } from 'yaml'
import { BadInput, DeployError } from '../errors.ts'
import { type RenderedObject, isNamespaced, nameOf, parseObjects, refOf } from './objects.ts'
import type { Settings } from './settings.ts'
import { toHelm, toKustomize } from './settingsrender.ts'

export const RENDERERS = ['kustomize', 'helm'] as const
export type Renderer = (typeof RENDERERS)[number]

/** Environment (= overlay, = `values-<environment>.yaml`) → its namespace. */
export const NAMESPACES = {
  development: 'todo-chat-dev',
  staging: 'todo-chat-staging',
  production: 'todo-chat-prod',
} as const
export type Environment = keyof typeof NAMESPACES
export const ENVIRONMENTS = Object.keys(NAMESPACES) as Environment[]

export interface RenderOptions {
  /** The folder `manifests/` of a checkout. */
  manifests: string
  environment: Environment
  /** @default 'kustomize' */
  renderer?: Renderer
  /** What differs between two teams. @default {} */
  settings?: Settings
  /** Helm only: further `--set-json` assignments, such as `autoscaling.maxReplicas=4`. @default [] */
  values?: readonly string[]
  signal?: AbortSignal
}

const ORIGIN = 'config.kubernetes.io/origin'
/** A render takes under a second; a tool that hangs is ended after this. */
const TIMEOUT_MS = 60_000
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024

/**
 * Renders an environment. The two renderers give the same objects, in no particular order.
 * `source` is a path relative to the parent of `manifests`, such as `manifests/base/backend/deployment.yaml`.
 * @throws BadInput when settings contradict each other, when the manifests do not render, render to nothing, or leave the environment's namespace
 * @throws DeployError when the tool is not installed or does not end within 60 s
 */
export async function render({ manifests, environment, renderer = 'kustomize', settings = {}, values = [], signal }: RenderOptions): Promise<RenderedObject[]> {
  const folder = await realpath(resolve(manifests)).catch((cause: unknown) => {
    throw new BadInput(`${manifests}: no such folder`, { cause, next: 'give the folder manifests of a checkout' })
  })
  const rendered =
    renderer === 'kustomize' ? await renderKustomize(folder, environment, settings, signal) : await renderHelm(folder, environment, [...toHelm(environment, settings), ...values], signal)
  if (rendered.length === 0) throw new BadInput(`${renderer} renders no object for ${environment}`)
  checkNamespaces(rendered, NAMESPACES[environment])
  return rendered
}

async function renderKustomize(manifests: string, environment: Environment, settings: Settings, signal?: AbortSignal): Promise<RenderedObject[]> {
  const layer = toKustomize(environment, settings)
  // Only a kustomization can ask for origins; the overlays do not, so that none reaches a cluster.
  const wrapper = await realpath(await mkdtemp(join(tmpdir(), 'todo-chat-render-')))
  try {
    const { components, ...changes } = layer
    // Components have a layer of their own: in one layer they would come after the generators, and undo the settings.
    const parts = join(wrapper, 'parts')
    const inTree = (...path: string[]): string => relative(parts, join(manifests, ...path))
    await mkdir(parts)
    await writeFile(join(parts, 'kustomization.yaml'), JSON.stringify({ resources: [inTree('overlays', environment)], components: components.map((name) => inTree('components', name)) }))
    await writeFile(join(wrapper, 'kustomization.yaml'), JSON.stringify({ resources: ['parts'], ...changes, buildMetadata: ['originAnnotations'] }))
    const text = await run('kustomize', ['build', wrapper], signal)
    return parseObjects(text, `kustomize build of ${environment}`).map((rendered) => withOrigin(rendered, wrapper, resolve(manifests, '..')))
  } finally {
    await rm(wrapper, { recursive: true, force: true })
  }
}

/** Moves the origin annotation of kustomize into `source`. Paths in it are relative to the `wrapper` folder. */
export function withOrigin({ object, source }: RenderedObject, wrapper: string, root: string): RenderedObject {
  const { [ORIGIN]: origin, ...annotations } = object.metadata.annotations ?? {}
  const { annotations: _, ...metadata } = object.metadata
  const path = origin === undefined ? undefined : originPath(origin)
  return {
    object: { ...object, metadata: Object.keys(annotations).length === 0 ? metadata : { ...metadata, annotations } },
    source: path === undefined ? source : relative(root, resolve(wrapper, path)),
  }
}

/** The file that a resource was read from, or the kustomization that generated it. */
function originPath(annotation: string): string | undefined {
  const origin = parse(annotation) as { path?: string; configuredIn?: string } | null
  return origin?.path ?? origin?.configuredIn
}

async function renderHelm(manifests: string, environment: Environment, values: readonly string[], signal?: AbortSignal): Promise<RenderedObject[]> {
  const chart = join(manifests, 'helm', 'todo-chat')
  const text = await run(
    'helm',
    [
      'template', 'todo-chat', chart,
      '--namespace', NAMESPACES[environment],
      '--values', join(chart, `values-${environment}.yaml`),
      ...values.flatMap((value) => ['--set-json', value]),
    ],
    signal,
  )
  return parseHelmOutput(text)
}

const SOURCE_HEADER = /^---\n# Source: todo-chat\/(.+)\n/m

/** Splits the output of `helm template` at the header with which it introduces each object. */
export function parseHelmOutput(text: string): RenderedObject[] {
  const [, ...parts] = text.split(SOURCE_HEADER)
  const rendered: RenderedObject[] = []
  for (let index = 0; index < parts.length; index += 2) {
    const source = `manifests/helm/todo-chat/${parts[index]}`
    rendered.push(...parseObjects(parts[index + 1] ?? '', source).map(({ object }) => ({ object, source })))
  }
  return rendered
}

function checkNamespaces(rendered: readonly RenderedObject[], namespace: string): void {
  for (const { object, source } of rendered) {
    const found = isNamespaced(object.kind) ? object.metadata.namespace : object.kind === 'Namespace' ? object.metadata.name : namespace
    if (found === namespace) continue
    throw new BadInput(`${source}: ${nameOf(refOf(object))} is in namespace ${found ?? '(none)'}, expected ${namespace}`, { object: refOf(object) })
  }
}

/** Runs a tool and gives its standard output; what it says on standard error is the message of a failure. */
function run(tool: string, args: readonly string[], signal?: AbortSignal): Promise<string> {
  return new Promise((resolvePromise, reject) => {
    execFile(tool, args, { timeout: TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES, ...(signal && { signal }) }, (error, stdout, stderr) => {
      if (error === null) resolvePromise(stdout)
      else if (error.name === 'AbortError') reject(error)
      else if (error.code === 'ENOENT') {
        reject(new DeployError(`${tool} is not on the PATH`, { cause: error, next: 'run in the tools image (docker/tools), or install it' }))
      } else if (error.killed === true) reject(new DeployError(`${tool} did not end within ${TIMEOUT_MS / 1000} s`, { cause: error }))
      else reject(new BadInput(`${tool} cannot render: ${stderr.trim()}`, { cause: error }))
    })
  })
}
