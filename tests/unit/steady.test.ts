/** Many runs of the conformance suite, summed up; and what `npm run steady` refuses. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { figures, isSteady, report } from '../../scripts/steady/figures.mjs'

type Run = Parameters<typeof report>[0][number]
type Outcome = { outcome: string; ms: number; message?: string; reasons?: string[] }

const kept = (ms: number): Outcome => ({ outcome: 'passed', ms })
const broken = (message: string, ms = 1_000): Outcome => ({ outcome: 'failed', ms, message })
const run = (seconds: number, outcomes: Record<string, Outcome>): Run => ({ seconds, rows: Object.entries(outcomes).map(([id, outcome]) => ({ id, title: 'a title', outcome })) })

const GREEN = [run(250, { 'CONF-002': kept(900), 'CONF-001': kept(100) }), run(270, { 'CONF-002': kept(1_500), 'CONF-001': kept(50) })]

describe('many runs', () => {
  it('are steady when each kept everything', () => {
    expect(isSteady(GREEN, 2)).toBe(true)
    expect(figures(GREEN).map(({ id, runs, failures, slowestMs }) => [id, runs, failures, slowestMs])).toEqual([['CONF-001', 2, 0, 100], ['CONF-002', 2, 0, 1_500]])
    expect(report(GREEN, 2).split('\n').at(-1)).toBe('steady: 0 failures in 2 of 2 runs, 250 to 270 s each')
  })

  it.each<[string, Run[]]>([
    ['one requirement was not kept once', [...GREEN, run(1, { 'CONF-001': broken('changed: x\npods:'), 'CONF-002': kept(1) })]],
    ['one could not be asked', [...GREEN, run(1, { 'CONF-001': { outcome: 'unmet', ms: 0, reasons: ['no figures'] }, 'CONF-002': kept(1) })]],
    ['one run had no result', [...GREEN, { seconds: 3, lost: 'exit code 1' }]],
    ['one run did not ask everything', [...GREEN, run(1, { 'CONF-001': kept(1) })]],
    ['fewer ran than were asked for', GREEN],
    ['none ran', []],
  ])('are not steady when %s', (_, runs) => expect(isSteady(runs, 3)).toBe(false))

  it('tell first what failed, each reason once, and what had no result', () => {
    const text = report([...GREEN, run(5, { 'CONF-002': broken('changed: a|b\npods:') }), run(5, { 'CONF-002': broken('changed: a|b') }), { seconds: 3, lost: 'exit code 1' }], 5).split('\n')
    expect(text[2]).toBe('| CONF-002 a title | 4 | 2 | 1.5 | changed: a\\|b |')
    expect(text.slice(-2)).toEqual(['- run 5 had no result: exit code 1', 'NOT steady: 2 failures in 5 of 5 runs, 3 to 270 s each'])
  })
})

describe('npm run steady', () => {
  it.each([
    [[], 'RUNS must be a whole number from 1 to 1000, current value none'],
    [['0'], 'current value 0'],
    [['twenty'], 'current value twenty'],
    [['2', '--only=302'], 'unknown: --only=302'],
    [['2', '--randomly'], 'unknown: --randomly'],
  ])('refuses %j', (args, message) => {
    const { status, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, '../../scripts/steady.mjs'), ...args], { encoding: 'utf8' })
    expect(stderr).toContain(message)
    expect(stderr).toContain('usage: npm run steady')
    expect(status).toBe(3)
  })
})
