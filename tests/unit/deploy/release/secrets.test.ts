import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../../../../deploy/src/release/objects.ts'
import { secretNeeds, secretObjects } from '../../../../deploy/src/release/secrets.ts'

function pod(name: string, spec: object): KubeObject {
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name }, spec: { template: { spec: { containers: [{ name: 'main', ...spec }], ...spec } } } }
}

const BACKEND = pod('backend', { volumes: [{ name: 'db', secret: { secretName: 'database', items: [{ key: 'chat-password', path: 'p' }] } }] })
const DATABASE = pod('postgres', { volumes: [{ name: 'db', secret: { secretName: 'superuser', items: [{ key: 'chat-password', path: 'p' }, { key: 'superuser-password', path: 's' }] } }] })
const AGENT = pod('agent', { env: [{ name: 'KEY', valueFrom: { secretKeyRef: { name: 'model', key: 'model-api-key', optional: true } } }] })

const NONE = new Set<string>()

function decoded(object: KubeObject | undefined, key: string): string | undefined {
  const value = (object?.['data'] as Record<string, string> | undefined)?.[key]
  return value === undefined ? undefined : Buffer.from(value, 'base64').toString()
}

describe('secretNeeds', () => {
  it('finds mounted keys, environment keys and TLS of an Ingress', () => {
    const ingress: KubeObject = { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'web' }, spec: { tls: [{ secretName: 'web-tls' }] } }
    const needs = secretNeeds([BACKEND, AGENT, ingress])
    expect(needs.map(({ name, type, keys }) => [name, type, Object.fromEntries(keys)])).toEqual([
      ['database', 'Opaque', { 'chat-password': true }],
      ['model', 'Opaque', { 'model-api-key': false }],
      ['web-tls', 'kubernetes.io/tls', { 'tls.crt': false, 'tls.key': false }],
    ])
  })

  it('looks into the Job template of a CronJob', () => {
    const cron: KubeObject = { apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name: 'backup' }, spec: { jobTemplate: { spec: BACKEND['spec'] } } }
    expect(secretNeeds([cron]).map(({ name }) => name)).toEqual(['database'])
  })

  it('refuses a volume that would show a pod every key', () => {
    expect(() => secretNeeds([pod('greedy', { volumes: [{ name: 'all', secret: { secretName: 'database' } }] })])).toThrow(/Deployment greedy: volume all mounts Secret database without listing its keys/)
  })
})

describe('secretObjects', () => {
  const files = new Map([['chat-password', Buffer.from('from file')], ['superuser-password', Buffer.from('super')]])

  it('gives the same key the same value in every Secret', () => {
    const { objects } = secretObjects(secretNeeds([BACKEND, DATABASE]), 'ns', files, [], NONE, { generate: false })
    expect(objects.map(({ object }) => decoded(object, 'chat-password'))).toEqual(['from file', 'from file'])
  })

  it('keeps what the cluster has when no file is given', () => {
    const live: KubeObject = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'database', namespace: 'ns' }, data: { 'chat-password': Buffer.from('kept').toString('base64') } }
    const { objects, generated } = secretObjects(secretNeeds([BACKEND]), 'ns', new Map(), [live], NONE, { generate: true })
    expect(decoded(objects[0]?.object, 'chat-password')).toBe('kept')
    expect(generated).toEqual([])
  })

  it('makes up one value per key where that is allowed', () => {
    const { objects, generated } = secretObjects(secretNeeds([BACKEND, DATABASE]), 'ns', new Map(), [], NONE, { generate: true })
    const [database, superuser] = objects.map(({ object }) => object)
    expect(decoded(database, 'chat-password')).toBe(decoded(superuser, 'chat-password'))
    expect(decoded(database, 'chat-password')).toMatch(/^[\w-]{43}$/)
    expect(generated).toEqual(['database/chat-password', 'superuser/superuser-password'])
  })

  it('names Secret, key and reader of a missing value, and no value', () => {
    const { missing } = secretObjects(secretNeeds([BACKEND, DATABASE]), 'ns', new Map([['chat-password', Buffer.from('valuable')]]), [], NONE, { generate: false })
    expect(missing).toEqual([{ secret: 'superuser', key: 'superuser-password', readers: ['Deployment postgres'] }])
  })

  it('makes no Secret out of optional keys without values', () => {
    expect(secretObjects(secretNeeds([AGENT]), 'ns', new Map(), [], NONE, { generate: true }).objects).toEqual([])
  })

  it('leaves Secrets of others alone', () => {
    expect(secretObjects(secretNeeds([BACKEND]), 'ns', new Map(), [], new Set(['database']), { generate: false }).objects).toEqual([])
  })
})
