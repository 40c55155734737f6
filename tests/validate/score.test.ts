/** kube-score with every optional check and no ignore annotations; what it may report stands in manifests/exceptions.yaml. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { KubeObject } from '../../deploy/src/release/objects.ts'
import { MANIFESTS, RENDERINGS, documents, objectsOf } from './_rendered.ts'
import { KUBERNETES_MINORS, run } from './_tools.ts'

interface Exception {
  check: string
  reason: string
  objects: string[]
}
interface Scored {
  type_meta: { kind: string }
  object_meta: { name: string }
  checks: { check: { id: string }; grade: number; skipped: boolean; comments: { path: string; summary: string }[] | null }[]
}

/** kube-score's grade of a check without complaint. */
const ALL_OK = 10
const FLAGS = ['score', '--all-default-optional', '--disable-ignore-checks-annotations', '--kubernetes-version', `v${KUBERNETES_MINORS[0]}`, '--output-format', 'json', '-']

const exceptions = parse(await readFile(join(MANIFESTS, 'exceptions.yaml'), 'utf8')) as Exception[]
const excepted = exceptions.flatMap(({ check, objects }) => objects.map((object) => `${check}: ${object}`))

/** Complaints as `check: Kind name`, and the checks that were made. */
async function score(objects: readonly KubeObject[]): Promise<{ complaints: string[]; checks: Set<string> }> {
  const { stdout, stderr } = await run('kube-score', FLAGS, documents(objects))
  if (!stdout.startsWith('[')) throw new Error(`kube-score: ${stderr || stdout}`)
  const scored = JSON.parse(stdout) as Scored[]
  const results = scored.flatMap(({ type_meta: { kind }, object_meta: { name }, checks }) => checks.map((result) => ({ object: `${kind} ${name}`, ...result })))
  return {
    complaints: results.filter(({ grade, skipped }) => !skipped && grade < ALL_OK).map(({ check, object }) => `${check.id}: ${object}`),
    checks: new Set(results.filter(({ skipped }) => !skipped).map(({ check }) => check.id)),
  }
}

describe('kube-score', () => {
  it.each(RENDERINGS)('has no complaint about $title but the listed exceptions', async ({ environment, renderer }) => {
    const { complaints, checks } = await score(await objectsOf(environment, renderer))
    expect(complaints.filter((complaint) => !excepted.includes(complaint))).toEqual([])
    for (const optional of ['container-seccomp-profile', 'container-memory-requests-equal-limits', 'container-ephemeral-storage-request-equals-limit', 'container-ports-check']) {
      expect(checks).toContain(optional)
    }
  })

  it('needs every listed exception', async () => {
    const all = await Promise.all(RENDERINGS.map(async ({ environment, renderer }) => score(await objectsOf(environment, renderer))))
    const reported = new Set(all.flatMap(({ complaints }) => complaints))
    expect(excepted.filter((exception) => !reported.has(exception))).toEqual([])
  })

  it('complains about a container without limits, which no exception covers', async () => {
    const objects = structuredClone(await objectsOf('development', 'kustomize'))
    const backend = objects.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'backend') as { spec: { template: { spec: { containers: { resources?: unknown }[] } } } } | undefined
    delete backend?.spec.template.spec.containers[0]?.resources
    const { complaints } = await score(objects)
    expect(complaints).toContain('container-resources: Deployment backend')
  })
})

describe('exceptions.yaml', () => {
  it.each(exceptions)('gives a reason for $check', ({ reason, objects }) => {
    expect(reason.length).toBeGreaterThan(20)
    expect(objects.length).toBeGreaterThan(0)
  })

  it('is not circumvented by annotations in the manifests', async () => {
    const objects = (await Promise.all(RENDERINGS.map(({ environment, renderer }) => objectsOf(environment, renderer)))).flat()
    expect(objects.filter((object) => JSON.stringify(object).includes('kube-score/'))).toEqual([])
  })
})
