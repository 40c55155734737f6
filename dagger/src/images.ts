import type { Container, Directory, Platform } from '@dagger.io/dagger'
import { Bases } from './bases.ts'
import { IMAGE_SOURCES, only } from './sources.ts'

/** Image → folder under `docker/` whose Dockerfile holds it as a target. */
const DOCKERFILES = {
  backend: 'backend',
  agent: 'backend',
  mcp: 'backend',
  'backend-test': 'backend',
  frontend: 'frontend',
  'frontend-test': 'frontend',
  database: 'database',
  backup: 'database',
  tools: 'tools',
  browser: 'browser',
  rehearsal: 'rehearsal',
} as const

export type ImageName = keyof typeof DOCKERFILES

/** The images of a cluster that has everything in itself, in the order of their rollout. */
export const DEPLOYED = ['database', 'mcp', 'agent', 'backend', 'frontend'] as const

/** What is pushed for an environment: `backup` serves a database outside the cluster. */
export const PUBLISHED = [...DEPLOYED, 'backup'] as const

/**
 * Builds one image from its Dockerfile.
 * @param platform such as linux/amd64 (default: the engine's own)
 */
export async function image(source: Directory, name: ImageName, platform?: Platform): Promise<Container> {
  const folder = DOCKERFILES[name]
  const bases = await Bases.read(source)
  return only(source, IMAGE_SOURCES[folder]).dockerBuild({
    dockerfile: `docker/${folder}/Dockerfile`,
    target: name.endsWith('-test') ? 'test' : name,
    buildArgs: bases.buildArgs(),
    ...(platform === undefined ? {} : { platform }),
  })
}

/** Builds images at the same time. The image of a service is otherwise built when the service starts, and those that it needs before it. */
export async function build(source: Directory, names: readonly ImageName[]): Promise<void> {
  await Promise.all(names.map(async (name) => (await image(source, name)).sync()))
}
