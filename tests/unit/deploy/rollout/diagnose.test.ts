import { describe, expect, it } from 'vitest'
import { isPullRefusal } from '../../../../deploy/src/rollout/diagnose.ts'

describe('a registry that wants a password', () => {
  it.each([
    ['ErrImagePull', 'failed to pull: unexpected status: 401 Unauthorized'],
    ['ErrImagePull', 'failed to authorize: failed to fetch anonymous token: 403 Forbidden'],
    ['ImagePullBackOff', 'Back-off pulling image: pull access denied, repository does not exist or may require authorization'],
    ['ErrImagePull', 'no basic auth credentials'],
  ])('is recognised by %s: %s', (reason, message) => {
    expect(isPullRefusal(reason, message)).toBe(true)
  })

  it.each([
    ['ErrImagePull', 'r.example/mcp:1: not found'],
    ['ErrImagePull', 'dial tcp: i/o timeout'],
    ['ErrImagePull', 'r.example/mcp@sha256:1401403: not found'],
    ['CrashLoopBackOff', 'back-off 10s: 401'],
  ])('is not seen in %s: %s', (reason, message) => {
    expect(isPullRefusal(reason, message)).toBe(false)
  })
})
