/** Settings as a team would give them, some for each environment. */
import type { Environment } from '../../deploy/src/release/render.ts'
import { type Settings, parseSettings } from '../../deploy/src/release/settings.ts'
import type { Expectation } from './policies/_policy.ts'

/** Every setting there is. */
const ALL = `
host: todo.example.org
ingress:
  class: nginx
  controller:
    namespace: ingress-nginx
    podLabels:
      app.kubernetes.io/component: controller
      app: ingress
  issuer: letsencrypt
  tlsSecret: todo-certificate
database:
  host: db.example.org
  port: 6432
  name: tasks
  adminUser: admin@db
  sslMode: verify-ca
  cidr: 10.20.0.0/16
model:
  baseUrl: https://models.example.org:8443/v1
  name: example/model:1
  cidr: 10.30.0.1/32
oidc:
  issuer: https://login.example.org:9443/realms/todo/
  clientId: todo-chat
  cidr: 10.40.0.0/24
images.pullSecret: registry
trust.privateCa: true
autoscaling: {minReplicas: 2, maxReplicas: 3}
`

/** The least that a deployment needs. */
const LEAST = {
  development: '',
  staging: '{host: staging.example.org, oidc: {issuer: "https://login.example.org", clientId: todo}}',
  production: '{host: todo.example.org, database.host: db.example.org, oidc: {issuer: "https://login.example.org", clientId: todo}}',
}

/** Each changes one part, which brings or leaves others. */
const SINGLE = ['database.host=db.example.org', 'model.baseUrl=https://models.example.org/v1', 'ingress.issuer=letsencrypt', 'ingress.tlsSecret=other', 'ingress.controller.podLabels=app.kubernetes.io/name=traefik2,x=y', 'images.pullSecret=registry', 'trust.privateCa=true', 'trust.privateCa=false', 'host=todo.example.org', 'autoscaling.maxReplicas=4']

export interface SettingsCase {
  title: string
  environment: Environment
  settings: Settings
  features: Partial<Expectation>
}

function parse(text: string, ...assignments: string[]): Settings {
  return parseSettings({ text, source: 'settings' }, assignments)
}

export const SETTINGS_CASES: SettingsCase[] = (Object.keys(LEAST) as Environment[]).flatMap((environment) => [
  { title: `${environment} with the least settings`, environment, settings: parse(LEAST[environment]), features: {} },
  { title: `${environment} with every setting`, environment, settings: parse(ALL), features: { externalDatabase: true, modelEndpoint: true, oidc: true, tls: true } },
  { title: `${environment} with sign-in and no host`, environment, settings: parse('', 'oidc.issuer=https://login.example.org', 'oidc.clientId=todo'), features: { oidc: true } },
  ...(environment === 'development' ? ['autoscaling.minReplicas=1', ...SINGLE] : SINGLE).map((assignment) => ({ title: `${environment} with ${assignment}`, environment, settings: parse(LEAST[environment], assignment), features: {} })),
])
