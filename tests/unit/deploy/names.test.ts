/** The rooms that serve any application know no name of this one: what is true of it stands in its own file. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const SRC = join(import.meta.dirname, '../../../deploy/src')
/** Rooms and files without a name of the application. */
const NAMELESS = ['cluster', 'kinds', 'plan', 'proof', 'report', 'rollout', 'session.ts', '_duration.ts', '_poll.ts', 'errors.ts']
/** Names of the application, its parts, its roles, its tools and its secrets. */
const NAMES = /todo|TODO_|\b(backend|frontend|agent|mcp|migrator|jwt-key|add_task)\b|'migrate'/

function namesIn(path: string): string[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((line, index) => (NAMES.test(line) ? [`${path.slice(SRC.length + 1)}:${index + 1}: ${line.trim()}`] : []))
}

it.each(NAMELESS)('%s knows no name of the application', (room) => {
  const files = room.endsWith('.ts') ? [join(SRC, room)] : readdirSync(join(SRC, room)).map((file) => join(SRC, room, file))
  expect(files.flatMap(namesIn)).toEqual([])
})

it('the application’s own file has them', () => {
  expect(namesIn(join(SRC, 'todo-chat.ts'))).not.toEqual([])
})
