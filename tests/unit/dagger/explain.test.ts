import { expect, it } from 'vitest'
import { explained } from '../../../dagger/src/explain.ts'

it('an engine that refuses privileged containers is told from other faults, with what to do', () => {
  // As engine v0.19.10 says it when its configuration does not allow them.
  const said = 'failed to start host service: start upstream: security.insecure is not allowed'
  expect(explained(said)).toMatch(new RegExp(`^${said}\nnext: this engine refuses privileged containers`))
})

it('any other message stays as it is', () => {
  expect(explained('exit code: 1')).toBe('exit code: 1')
})
