import { describe, expect, it } from 'vitest'
import { toLine } from '../../docs/finding.ts'
import { drift } from '../../docs/drift.ts'

const lines = (...texts: string[]): string => `${texts.join('\n')}\n`
const found = (committed: string | undefined, generated: string): string[] => drift('a.md', committed, generated).map(toLine)

describe('drift of a page', () => {
  it('is nothing when both are equal', () => {
    expect(found(lines('a', 'b'), lines('a', 'b'))).toEqual([])
  })

  it('names page and line of a changed line', () => {
    expect(found(lines('a', 'b', 'c'), lines('a', 'B', 'c'))).toEqual(['a.md:2: the page has “b”, the code gives “B”'])
  })

  it('names each place, and no line that only moved', () => {
    expect(found(lines('a', 'b', 'c', 'd', 'e'), lines('a', 'new', 'b', 'c', 'D', 'e'))).toEqual(['a.md:2: the page has nothing, the code gives “new”', 'a.md:4: the page has “d”, the code gives “D”'])
  })

  it('tells what the code no longer gives', () => {
    expect(found(lines('a', 'b', 'c'), lines('a'))).toEqual(['a.md:2: the page has “b” and 1 more lines, the code gives nothing'])
  })

  it('sees a missing page, and a line end too few', () => {
    expect(found(undefined, 'a\n')).toEqual(['a.md:1: the page is missing; `npm run docs -- write` makes it'])
    expect(found('a', 'a\n')).toHaveLength(1)
  })

  it('shows 20 places and counts the rest', () => {
    const many = Array.from({ length: 30 }, (_, index) => [`same ${index}`, `old ${index}`])
    const told = found(lines(...many.flat()), lines(...many.map(([same = '']) => [same, 'new']).flat()))
    expect(told).toHaveLength(21)
    expect(told.at(-1)).toBe('a.md:42: and 10 more places')
  })
})
