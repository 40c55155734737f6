import type { BuildArg, Directory } from '@dagger.io/dagger'

/** Where every base image is listed, once. */
export const BASES_FILE = 'docker/bases.json'

type Base = { arg: string; name: string; tag: string; digest?: string }

/** The list of base images: what Dockerfiles take as build arguments, and what the module itself starts from. */
export class Bases {
  constructor(private readonly bases: Base[]) {}

  /** @returns the list as the repository states it */
  static async read(source: Directory): Promise<Bases> {
    const { bases } = JSON.parse(await source.file(BASES_FILE).contents()) as { bases: Base[] }
    return new Bases(bases)
  }

  /** @returns one build argument for each base image, `name:tag` or, when known, `name:tag@digest` */
  buildArgs(): BuildArg[] {
    return this.bases.map((base) => ({ name: base.arg, value: address(base) }))
  }

  /**
   * @param arg build argument, such as `NODE_IMAGE`
   * @throws Error that names the list when it has no such base image
   */
  address(arg: string): string {
    const base = this.bases.find((candidate) => candidate.arg === arg)
    if (base === undefined) throw new Error(`no base image ${arg}: ${BASES_FILE} lists ${this.bases.map((candidate) => candidate.arg).join(', ')}`)
    return address(base)
  }
}

function address({ name, tag, digest }: Base): string {
  return digest === undefined ? `${name}:${tag}` : `${name}:${tag}@${digest}`
}
