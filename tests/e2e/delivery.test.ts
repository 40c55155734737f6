/** How the page is served: what the built image promises to a browser and to a cluster. */
import { describe } from 'vitest'
import { expect, test } from './fixtures.ts'
import { baseUrl } from './settings.ts'

const get = (path: string, init: RequestInit = {}) => fetch(baseUrl() + path, init)

describe('the served page', () => {
  test('is never kept by a cache, its hashed parts always are', async () => {
    const page = await get('/')
    expect(page.headers.get('cache-control')).toBe('no-store')
    const script = /src="(\/assets\/[^"]+\.js)"/.exec(await page.text())?.[1]
    expect(script).toBeDefined()
    const asset = await get(script ?? '')
    expect(asset.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    expect(asset.headers.get('content-encoding')).toBe('gzip')
  })

  test('allows no script and no style but its own files', async () => {
    const { headers } = await get('/')
    const policy = headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("script-src 'self'")
    expect(policy).not.toMatch(/unsafe|data:|https?:|\*/)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
  })

  test('has its policy enforced by the browser', async ({ open }) => {
    const todo = await open({ expectedErrors: /Content Security Policy|Trusted/ })
    const ran = await todo.page.evaluate(`(() => {
      const script = document.createElement("script");
      try { script.text = "globalThis.inlineScriptRan = true"; document.head.append(script); } catch {}
      return globalThis.inlineScriptRan === true;
    })()`)
    expect(ran).toBe(false)
  })

  test.for([
    ['an unknown path is the page itself', '/some/where', 200, 'text/html; charset=utf-8'],
    ['an unknown asset is not found', '/assets/nothing.js', 404, 'text/html; charset=utf-8'],
    ['the process answers', '/healthz', 200, 'application/json'],
    ['the files are there', '/readyz', 200, 'application/json'],
  ] as const)('%s: %s', async ([, path, status, type]) => {
    const answer = await get(path)
    expect(answer.status).toBe(status)
    expect(answer.headers.get('content-type')).toBe(type)
  })

  test('answers with the request id it was given, and makes one for none or a bad one', async () => {
    const id = async (headers: Record<string, string>) => (await get('/', { headers })).headers.get('x-request-id')
    expect(await id({ 'X-Request-Id': 'my-id.7' })).toBe('my-id.7')
    expect(await id({})).toMatch(/^[0-9a-f]{32}$/)
    expect(await id({ 'X-Request-Id': 'not one"' })).toMatch(/^[0-9a-f]{32}$/)
  })
})
