/** Rules of single requirements that need no cluster. */
import { describe, expect, it } from 'vitest'
import { tellsInside } from '../../conformance/areas/routing.ts'
import { restText } from '../../conformance/areas/scaling.ts'
import { connectTo } from '../../conformance/probe.ts'

describe('CONF-212: an answer tells what is inside', () => {
  it.each([
    ['/metrics', '# HELP todo_http_requests_total Requests\n# TYPE x counter\n'],
    ['/readyz', '{"status":"not_ready","checks":{"database":"TimeoutError"}}'],
    ['/api/readyz', '{"status":"ready","checks":{"database":"ok"}}'],
    ['/api/healthz', '{"status":"ok"}'],
  ])('%s with %s', (path, text) => expect(tellsInside(path, text)).toBe(true))

  it.each([
    ['/metrics', '<!doctype html><p># HELP</p>'],
    ['/healthz', '{"status":"ok"}'],
    ['/readyz', '{"status":"ready","checks":{"files":"ok"}}'],
    ['/api/readyz', '{"error":{"code":"not_found","message":"no such route","status":"x"}}'],
    ['/api/healthz', 'null'],
    ['/api/%2e%2e/metrics', '404 page not found\n'],
  ])('not %s with %s', (path, text) => expect(tellsInside(path, text)).toBe(false))
})

describe('CONF-281: an autoscaler is at rest', () => {
  const spec = { minReplicas: 2, maxReplicas: 4 }

  it('when it wants, has and serves its minimum', () => {
    expect(restText({ spec, status: { desiredReplicas: 2, currentReplicas: 2 } }, 2)).toBeUndefined()
  })

  it.each([
    ['it wants more', { desiredReplicas: 3, currentReplicas: 2 }, 2],
    ['it still has more', { desiredReplicas: 2, currentReplicas: 3 }, 2],
    ['a pod too many still serves', { desiredReplicas: 2, currentReplicas: 2 }, 3],
    ['it has not looked yet', {}, 2],
  ])('not when %s', (_, status, serve) => expect(restText({ spec, status }, serve)).toContain('minimum 2'))
})

describe('a question about connections', () => {
  it('says of each target what is expected, so that the asking pod can wait for it', () => {
    const targets = [{ name: 'mcp', host: '10.0.0.1', port: 8002 }, { name: 'postgres', host: '10.0.0.2', port: 5432 }]
    expect((JSON.parse(connectTo(targets, ['mcp'])['TARGETS'] ?? '') as { open: boolean }[]).map(({ open }) => open)).toEqual([true, false])
  })
})
