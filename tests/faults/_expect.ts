import { expect } from 'vitest'
import { type Ran, record } from './_bench.ts'

/**
 * The release failed for this reason, the one before is back and proven, and the exit code says so.
 * The times are written down for the documentation; they are not judged here.
 */
export function expectRolledBack(fault: string, ran: Ran, expected: { kind?: string; name: string; reason: string; message: RegExp }): void {
  const { report, exitCode } = ran
  expect(report.result, `${ran.stderr}\n${ran.stdout}`).toBe('rolled-back')
  expect(exitCode).toBe(1)
  expect(report.failure?.diagnosis?.ref).toMatchObject({ kind: expected.kind ?? 'Deployment', name: expected.name })
  expect(report.failure?.diagnosis?.reason).toBe(expected.reason)
  expect(report.failure?.message).toMatch(expected.message)
  expect(report.rollback).toMatchObject({ succeeded: true })
  record(fault, ran)
}
