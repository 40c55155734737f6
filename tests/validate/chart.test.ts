/** The Helm chart alone: lint, a matrix of values, values that it must refuse. And the same options by kustomize components. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { type KubeObject, keyOf, refOf } from '../../deploy/src/release/objects.ts'
import { ENVIRONMENTS, type Environment, render } from '../../deploy/src/release/render.ts'
import { MANIFESTS, canonical, documents, expectationOf, objectsOf } from './_rendered.ts'
import { kubernetesVersions, run, schemaLocation } from './_tools.ts'
import type { Expectation } from './policies/_policy.ts'
import { POLICIES } from './policies/index.ts'

const CHART = join(MANIFESTS, 'helm', 'todo-chat')
const EXTERNAL = ['database.external=true', 'database.host="database.todo-chat.example"', 'database.sslMode="verify-full"']
const IN_CLUSTER = ['database.external=false', 'database.host="postgres"', 'database.sslMode="disable"']

describe('helm lint', () => {
  it.each(ENVIRONMENTS)('accepts the chart for %s', async (environment) => {
    const { code, stdout } = await run('helm', ['lint', '--strict', CHART, '--values', join(CHART, `values-${environment}.yaml`)])
    expect(stdout).toContain('1 chart(s) linted, 0 chart(s) failed')
    expect(code).toBe(0)
  })

  it('refuses the chart with a template that does not render', async () => {
    const copy = await mkdtemp(join(tmpdir(), 'todo-chat-chart-'))
    try {
      await cp(CHART, copy, { recursive: true })
      await writeFile(join(copy, 'templates', 'broken.yaml'), '{{ include "todo-chat.nothing" . }}\n')
      expect((await run('helm', ['lint', '--strict', copy])).code).not.toBe(0)
    } finally {
      await rm(copy, { recursive: true, force: true })
    }
  })
})

const SWITCHES = [false, true]
const ENTRANCES = [
  { tls: false, gatewayApi: false },
  { tls: true, gatewayApi: false },
  { tls: false, gatewayApi: true },
]
const MATRIX = ENVIRONMENTS.flatMap((environment) =>
  SWITCHES.flatMap((externalDatabase) =>
    SWITCHES.flatMap((modelEndpoint) => ENTRANCES.map((entrance) => ({ environment, externalDatabase, modelEndpoint, ...entrance }))),
  ),
)

function valuesOf({ externalDatabase, modelEndpoint, tls, gatewayApi }: Pick<Expectation, 'externalDatabase' | 'modelEndpoint' | 'tls' | 'gatewayApi'>): string[] {
  return [...(externalDatabase ? EXTERNAL : IN_CLUSTER), `model.enabled=${modelEndpoint}`, `ingress.tls.enabled=${tls}`, `gateway.enabled=${gatewayApi}`]
}

describe('the matrix of values', async () => {
  it.each(MATRIX)('keeps every policy for $environment, external database $externalDatabase, model endpoint $modelEndpoint, TLS $tls, Gateway API $gatewayApi', async ({ environment, ...features }) => {
    const objects = await objectsOf(environment, 'helm', valuesOf(features))
    const policies = POLICIES.filter(({ id }) => id !== 'database/production-is-external')
    expect(policies.flatMap(({ id, check }) => check(objects, expectationOf(environment, features)).violations.map((violation) => `${id}: ${violation}`))).toEqual([])
  })

  it.each(await kubernetesVersions())('is valid for Kubernetes $minor', async ({ version }) => {
    const objects = (await Promise.all(MATRIX.map(({ environment, ...features }) => objectsOf(environment, 'helm', valuesOf(features))))).flat()
    const { stdout } = await run('kubeconform', ['-strict', '-summary', '-output', 'json', '-schema-location', schemaLocation(), '-kubernetes-version', version], documents(objects))
    expect((JSON.parse(stdout) as { summary: unknown }).summary).toEqual({ valid: objects.length, invalid: 0, errors: 0, skipped: 0 })
  })
})

describe('values that the chart refuses', () => {
  it.each<[string, Environment, string[], RegExp]>([
    ['an unknown value', 'staging', ['replicas=3'], /additional properties 'replicas' not allowed/],
    ['an unknown environment', 'staging', ['environment="test"'], /at '\/environment'/],
    ['the development login in staging', 'staging', ['devLogin=true'], /at '\/devLogin'/],
    ['an image by tag in production', 'production', ['images.backend={"digest":"","tag":"1.0.0"}'], /at '\/images\/backend\/digest'/],
    ['the tag latest', 'development', ['images.backend.tag="latest"'], /at '\/images\/backend\/tag'/],
    ['an image with neither tag nor digest', 'development', ['images.backend.tag=""'], /images\.backend needs a tag or a digest/],
    ['an external database without its host', 'staging', ['database.external=true', 'database.sslMode="verify-full"'], /at '\/database\/host'/],
    ['an external database without a verified certificate', 'staging', [...EXTERNAL, 'database.sslMode="require"'], /at '\/database\/sslMode'/],
    ['one replica', 'staging', ['autoscaling.minReplicas=1'], /at '\/autoscaling\/minReplicas'/],
    ['a maximum under the minimum', 'staging', ['autoscaling.minReplicas=4'], /maxReplicas \(3\) must be at least autoscaling\.minReplicas \(4\)/],
    ['memory that is no quantity', 'development', ['resources.backend.memory="lots"'], /at '\/resources\/backend\/memory'/],
  ])('%s', async (_, environment, values, message) => {
    await expect(objectsOf(environment, 'helm', values)).rejects.toThrow(message)
  })
})

describe('the Job’s name', () => {
  it('carries the revision where Helm itself installs', async () => {
    const objects = await objectsOf('development', 'helm', ['migration.namePerRevision=true'])
    expect(objects.filter(({ kind }) => kind === 'Job').map(({ metadata }) => metadata.name)).toEqual(['migrate-1'])
  })
})

/** Component → the chart's values that do the same. */
const COMPONENTS: Record<string, string[]> = { 'external-database': EXTERNAL, 'model-endpoint': ['model.enabled=true'], 'gateway-api': ['gateway.enabled=true'] }

describe('kustomize components', () => {
  let copy: string
  beforeAll(async () => {
    copy = await mkdtemp(join(tmpdir(), 'todo-chat-manifests-'))
    await cp(MANIFESTS, copy, { recursive: true })
  })
  afterAll(() => rm(copy, { recursive: true, force: true }))

  it.each([['external-database'], ['model-endpoint'], ['gateway-api'], ['external-database', 'model-endpoint', 'gateway-api']])('give with %s %s %s what the chart gives with its values', async (...names) => {
    const components = names.filter((name): name is string => name !== undefined)
    const file = join(copy, 'overlays', 'development', 'kustomization.yaml')
    const kustomization = parse(await readFile(join(MANIFESTS, 'overlays', 'development', 'kustomization.yaml'), 'utf8')) as object
    await writeFile(file, stringify({ ...kustomization, components: components.map((name) => `../../components/${name}`) }))
    const kustomize = await render({ manifests: copy, environment: 'development' })
    const helm = await objectsOf('development', 'helm', components.flatMap((name) => COMPONENTS[name] ?? []))
    const sorted = (objects: readonly KubeObject[]): string[] => objects.map((object) => `${keyOf(refOf(object))}\n${canonical(object)}`).sort()
    expect(sorted(kustomize.map(({ object }) => object))).toEqual(sorted(helm))
  })
})
