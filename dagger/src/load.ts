import type { Directory } from '@dagger.io/dagger'
import { executeCheck, workspace } from './checks.ts'
import { CHECK_SOURCES } from './sources.ts'
import { SCRIPTED_MODEL, stack, testSecrets } from './stack.ts'

const REPLICAS = 2

/** Holds conversations at once against two backend replicas, now. @returns what the generator printed @throws Error when a turn failed */
export async function load(source: Directory, conversations: number): Promise<string> {
  const { backends } = await stack(source, { secrets: testSecrets(), replicas: REPLICAS })
  const generator = (await workspace(source, CHECK_SOURCES.load))
    .withEnvVariable('LOAD_BACKENDS', backends.map((_, index) => `http://backend-${index}:8000`).join(','))
    .withEnvVariable('LOAD_CONVERSATIONS', String(conversations))
    .withEnvVariable('LOAD_RUN', String(Date.now()))
  const { exitCode, output } = await executeCheck(
    backends.reduce((container, backend, index) => container.withServiceBinding(`backend-${index}`, backend), generator),
    'npx tsx tests/load/conversations.ts',
  )
  if (exitCode !== 0) throw new Error(output)
  return `${output.trim()}\n\n${REPLICAS} backend replicas; stand-in: ${SCRIPTED_MODEL}\n`
}
