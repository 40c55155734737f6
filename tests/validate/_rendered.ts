/** The environments, rendered by both renderers, and what each is meant to be. */
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { KubeObject } from '../../deploy/src/release/objects.ts'
import { ENVIRONMENTS, type Environment, NAMESPACES, RENDERERS, type Renderer, render } from '../../deploy/src/release/render.ts'
import type { Settings } from '../../deploy/src/release/settings.ts'
import type { Expectation } from './policies/_policy.ts'

export const MANIFESTS = join(import.meta.dirname, '..', '..', 'manifests')

const FEATURES: Record<Environment, Pick<Expectation, 'externalDatabase' | 'modelEndpoint' | 'oidc' | 'tls' | 'gatewayApi'>> = {
  development: { externalDatabase: false, modelEndpoint: false, oidc: false, tls: false, gatewayApi: false },
  staging: { externalDatabase: false, modelEndpoint: false, oidc: true, tls: true, gatewayApi: false },
  production: { externalDatabase: true, modelEndpoint: true, oidc: true, tls: true, gatewayApi: false },
}

export interface Rendering {
  /** `production by helm` */
  title: string
  environment: Environment
  renderer: Renderer
  expectation: Expectation
}

export const RENDERINGS: Rendering[] = ENVIRONMENTS.flatMap((environment) =>
  RENDERERS.map((renderer) => ({ title: `${environment} by ${renderer}`, environment, renderer, expectation: expectationOf(environment) })),
)

export function expectationOf(environment: Environment, features: Partial<Expectation> = {}): Expectation {
  return { environment, namespace: NAMESPACES[environment], ...FEATURES[environment], ...features }
}

const renderings = new Map<string, Promise<KubeObject[]>>()

/**
 * The objects of an environment, rendered once per test file.
 * @param values Helm only: further `--set-json` assignments
 */
export function objectsOf(environment: Environment, renderer: Renderer, values: readonly string[] = [], settings: Settings = {}): Promise<KubeObject[]> {
  const key = JSON.stringify([environment, renderer, values, settings])
  const known = renderings.get(key)
  if (known !== undefined) return known
  const objects = render({ manifests: MANIFESTS, environment, renderer, values, settings }).then((rendered) => rendered.map(({ object }) => object))
  renderings.set(key, objects)
  return objects
}

/** YAML with sorted keys, the same text for the same object. */
export function canonical(object: KubeObject): string {
  return stringify(object, { sortMapEntries: true, aliasDuplicateObjects: false, lineWidth: 0 })
}

export function documents(objects: readonly KubeObject[]): string {
  return objects.map(canonical).join('---\n')
}
