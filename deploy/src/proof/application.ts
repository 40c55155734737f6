/** What an application tells of itself, so that it can be asked whether it answers. Data: what is done with it stands beside. */
import type { HttpRequest, HttpTarget } from '../cluster/http.ts'

/** Ways into the application that exist in this run: `ingress`, where users come in, and the ready pods of Services by name. */
export type Entrances = Readonly<Record<string, HttpTarget>>

/** Who asks: a user of this run only, and the headers that prove it. */
export interface Identity {
  user: string
  headers: Record<string, string>
}

export interface Question {
  name: string
  /** Answered without an identity. */
  isPublic?: true
  /** The way in, or why there is none. */
  target(entrances: Entrances): HttpTarget | string
  /**
   * @returns what was seen, for the report
   * @throws Wrong when the answer is not right
   */
  ask(target: HttpTarget, identity: Identity): Promise<string>
}

/** A route that is asked without an identity. */
export interface OpenRoute {
  name: string
  /** The Service that answers it where no ingress is known. */
  service: string
  path: string
  /** Its part of the requests where there is no ingress. */
  weight: number
  /** Its part of the requests through the ingress. */
  ingressWeight: number
}

/** Routes that are asked through the ingress as one of many users, each with one row of its own. */
export interface PersonalRoutes {
  /** Requests a second of one user, which the application lets pass. */
  perUser: number
  /** So many users there are at least: they share the requests that come one after the other before a load, to size it. */
  leastUsers: number
  /** Makes the row; the answer is JSON with its `id`. */
  make(user: string): HttpRequest
  /** What the answer to `make` must be. */
  made: number
  remove(user: string, id: number): HttpRequest
  routes: readonly { name: string; weight: number; request(user: string, id: number, index: number): HttpRequest }[]
}

export interface Proof {
  /** Services whose pods are asked, with the port of their pods where the Service does not say otherwise. */
  services: Readonly<Record<string, number>>
  /** How the deployer's own tokens are signed. */
  tokens: {
    /** The key of a Secret that holds the signing key. */
    key: string
    issuer: string
    audiences: readonly string[]
  }
  questions: readonly Question[]
  /** The load beside a rollout. The first open route must answer before there is any. */
  load: { open: readonly OpenRoute[]; personal?: PersonalRoutes }
}
