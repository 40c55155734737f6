import { describe, expect, it } from 'vitest'
import type { Availability } from '../../../deploy/src/proof/availability.ts'
import type { RunReport } from '../../../deploy/src/report/report.ts'
import { doctorVerdict, judgedReport, lastLines } from '../../rehearsal/way.ts'

const check = { name: 'page', result: 'passed' as const, detail: '', ms: 1 }
const report = (changes: Partial<RunReport> = {}): RunReport => ({ result: 'succeeded', summary: 'revision 2 is in place', durationMs: 42_000, checks: [check], availability: { requests: 900, failures: 0 } as Availability, ...changes }) as RunReport
const seen = { requests: 400, failures: {} }

describe('a deployment of a rehearsal', () => {
  it('is good when it succeeded, every question was answered and no request failed', () => {
    expect(judgedReport(report(), true, seen)).toEqual({ ok: true, verdict: 'succeeded in 42.0 s: revision 2 is in place; 1 of 1 questions answered; 900 requests, 0 failed; beside it 400 requests, 0 failed' })
  })

  it.each<[string, Partial<RunReport>]>([
    ['that was rolled back', { result: 'rolled-back' }],
    ['that changed nothing', { result: 'unchanged' }],
    ['with a question that was not asked', { checks: [check, { ...check, name: 'tools', result: 'not asked', detail: 'no pod' }] }],
    ['that asked nothing', { checks: [] }],
    ['with a failed request', { availability: { requests: 900, failures: 1 } as Availability }],
    ['without a measurement', { availability: undefined as never }],
  ])('%s is not', (_title, changes) => {
    expect(judgedReport(report(changes), true, seen).ok).toBe(false)
  })

  it('is not when a prober beside it saw a failure, or none ran', () => {
    expect(judgedReport(report(), true, { requests: 400, failures: { 'HTTP 502': 1 } })).toMatchObject({ ok: false, verdict: expect.stringContaining('{"HTTP 502":1}') })
    expect(judgedReport(report(), true).ok).toBe(false)
  })

  it('that failed says why, and the last words of its containers', () => {
    const containers = [{ name: 'migrate', log: 'INFO starts\nmigrate: must be able to SET ROLE "todo_migrator"\n' }]
    const failure = { phase: 'migration', message: 'Job migrate: BackoffLimitExceeded', diagnosis: { pods: [{ containers }, { containers }] } } as unknown as NonNullable<RunReport['failure']>
    const { ok, verdict } = judgedReport(report({ result: 'failed', failure }), false)
    expect(ok).toBe(false)
    expect(verdict).toContain('; Job migrate: BackoffLimitExceeded; migrate: must be able to SET ROLE "todo_migrator"')
  })

  it('for the first time has no availability to be judged by', () => {
    expect(judgedReport(report({ availability: undefined as never }), false).ok).toBe(true)
  })
})

it('of a failed call the error is told, not the progress before it', () => {
  expect(lastLines('1 : connect\n1 : done\n\u001b[31mError: no registry\u001b[0m\nnext: give --registry\n')).toBe('Error: no registry | next: give --registry')
})

it('of a doctor the rows are counted, and those told that could not be asked', () => {
  expect(doctorVerdict('✓ images     4 by digest\n✓ registry   4 images are there\n– host name  todo.test has no address here\n')).toBe('2 rows well; not asked: host name: todo.test has no address here')
})
