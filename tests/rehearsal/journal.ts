/** Writes a rehearsal down while it happens. */
import { type Page, type Step, stepLine } from './page.ts'

export class Journal {
  readonly page: Page = { commits: [], startedAt: new Date().toISOString(), seconds: 0, notes: [], steps: [] }
  readonly #folder: string
  readonly #say: (text: string) => void
  #count = 0

  constructor(folder: string, say: (text: string) => void) {
    this.#folder = folder
    this.#say = say
  }

  /** A folder of a step's own: its absolute path, and how the page calls it. */
  folderFor(title: string): { path: string; name: string } {
    this.#count += 1
    const name = `${String(this.#count).padStart(2, '0')}-${title.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '')}`
    return { path: `${this.#folder}/${name}`, name }
  }

  add(step: Step): boolean {
    this.page.steps.push(step)
    this.#say(stepLine(step))
    return step.ok
  }

  /**
   * A step that is no call: what `work` gives is its verdict, what it throws is why it failed.
   * @returns whether it went well
   */
  async step(chapter: string, title: string, call: string, work: () => Promise<string>): Promise<boolean> {
    const started = Date.now()
    const end = (ok: boolean, verdict: string): boolean => this.add({ chapter, title, call, seconds: (Date.now() - started) / 1000, ok, verdict })
    try {
      return end(true, await work())
    } catch (error) {
      return end(false, (error as Error).message)
    }
  }

  end(): Page {
    this.page.seconds = (Date.now() - Date.parse(this.page.startedAt)) / 1000
    return this.page
  }
}
