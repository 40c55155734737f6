/** Strict schemas of three Kubernetes minors. */
import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../../deploy/src/release/objects.ts'
import { RENDERINGS, documents, objectsOf } from './_rendered.ts'
import { kubernetesVersions, run, schemaLocation } from './_tools.ts'

interface Report {
  resources: { kind: string; name: string; status: string; msg: string }[]
  summary: { valid: number; invalid: number; errors: number; skipped: number }
}

async function validate(objects: readonly KubeObject[], version: string): Promise<Report> {
  const { stdout, stderr } = await run('kubeconform', ['-strict', '-summary', '-output', 'json', '-schema-location', schemaLocation(), '-kubernetes-version', version], documents(objects))
  if (stdout === '') throw new Error(`kubeconform: ${stderr}`)
  return JSON.parse(stdout) as Report
}

describe.each(await kubernetesVersions())('Kubernetes $minor ($version)', ({ version }) => {
  it.each(RENDERINGS)('knows every field of $title', async ({ environment, renderer }) => {
    const objects = await objectsOf(environment, renderer)
    const { resources, summary } = await validate(objects, version)
    expect(resources).toEqual([])
    expect(summary).toEqual({ valid: objects.length, invalid: 0, errors: 0, skipped: 0 })
    expect(objects.length).toBeGreaterThan(0)
  })

  const deployment = (spec: object): KubeObject => ({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'backend' }, spec })
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'a', image: 'b' }] } }
  const selector = { matchLabels: { a: 'b' } }

  it.each([
    ['a field that is not in the API', deployment({ selector, template, replica: 2 }), 'invalid'],
    ['a field deep inside', deployment({ selector, template: { ...template, spec: { containers: [{ name: 'a', image: 'b', livenessprobe: {} }] } } }), 'invalid'],
    ['a value of the wrong type', deployment({ selector, template, replicas: 'two' }), 'invalid'],
    ['a required field that is missing', deployment({ template }), 'invalid'],
    ['a removed API version', { apiVersion: 'policy/v1beta1', kind: 'PodDisruptionBudget', metadata: { name: 'backend' } }, 'errors'],
    ['a kind that is not in Kubernetes', { apiVersion: 'example.org/v1', kind: 'Thing', metadata: { name: 'a' } }, 'errors'],
  ] as const)('refuses %s', async (_, object, counter) => {
    const { summary } = await validate([object as KubeObject], version)
    expect(summary).toEqual({ valid: 0, invalid: 0, errors: 0, skipped: 0, [counter]: 1 })
  })
})
