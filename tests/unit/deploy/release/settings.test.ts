import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../../../../deploy/src/release/objects.ts'
import { SETTING_NAMES, missingSettings, parseSettings, settingRows, settingsText } from '../../../../deploy/src/release/settings.ts'
import { checkSettings, toHelm, toKustomize } from '../../../../deploy/src/release/settingsrender.ts'

const file = (text: string): { text: string; source: string } => ({ text, source: 'settings.yaml' })

describe('a settings file', () => {
  it('takes nested and dotted names, YAML and JSON', () => {
    const wanted = { host: 'todo.example.org', 'database.host': 'db.example.org', 'database.port': 6432, 'trust.privateCa': true, 'ingress.controller.podLabels': { app: 'ingress' } }
    expect(parseSettings(file('host: todo.example.org\ndatabase: {host: db.example.org}\ndatabase.port: 6432\ntrust.privateCa: true\ningress.controller:\n  podLabels: {app: ingress}\n'), [])).toEqual(wanted)
    expect(parseSettings(file(JSON.stringify(wanted)), [])).toEqual(wanted)
  })

  it.each(['', '\n', '# nothing yet\n', '{}'])('sets nothing when it is %j', (text) => {
    expect(parseSettings(file(text), [])).toEqual({})
  })

  it.each([
    ['hosts: x.example.org', /settings.yaml: there is no setting hosts/],
    ['database: {hots: x}', /settings.yaml: there is no setting database.hots/],
    ['database: x', /there is no setting database/],
    ['- host', /expected an object of setting to value/],
    ['host: [a', /settings.yaml: not YAML \(\w+, line 1\)/],
    ['host:', /setting host must be a host name with a dot.*; it is null/],
    ['database.port: 6432.5', /setting database.port must be a whole number from 1 to 65535; it is 6432.5/],
  ])('%s is refused', (text, message) => {
    expect(() => parseSettings(file(text), [])).toThrow(message)
  })

  it('names every setting when it refuses an unknown one', () => {
    expect(() => parseSettings(file('hosts: x'), [])).toThrow(expect.objectContaining({ next: `the settings are ${SETTING_NAMES.join(', ')}` }))
  })

  it('is not quoted when it does not parse: it may travel as a secret', () => {
    expect(() => parseSettings(file('host: {todo.example.org'), [])).not.toThrow(/todo\.example\.org/)
  })
})

describe('--set', () => {
  it('wins over the file, and its last one over those before', () => {
    expect(parseSettings(file('host: a.example.org\ndatabase.name: a'), ['host=b.example.org', 'host=c.example.org'])).toEqual({ host: 'c.example.org', 'database.name': 'a' })
  })

  it('takes everything behind the first = for the value', () => {
    expect(parseSettings(undefined, ['ingress.controller.podLabels=app.kubernetes.io/name=nginx,tier='])).toEqual({ 'ingress.controller.podLabels': { 'app.kubernetes.io/name': 'nginx', tier: '' } })
  })

  it.each([
    ['host', /--set host: not name=value/],
    ['=x', /--set =x: not name=value/],
    ['nothing=x', /--set: there is no setting nothing/],
    ['host=', /setting host must be .*; it is empty/],
    ['host=Todo.Example.org', /host name with a dot, in small letters, .*; it is Todo.Example.org/],
    ['host=localhost', /host name with a dot/],
    ['host=todo-chat.example', /todo-chat.example is the placeholder of the manifests/],
    ['host=https://todo.example.org', /host name/],
    ['database.host=database.todo-chat.example', /placeholder/],
    ['database.port=0', /whole number from 1 to 65535/],
    ['database.port=70000', /whole number/],
    ['database.name=Todo', /PostgreSQL name in small letters/],
    ['database.adminUser=a b', /PostgreSQL role/],
    ['database.sslMode=require', /verify-full or verify-ca/],
    ['database.cidr=10.0.0.0', /IPv4 network/],
    ['database.cidr=10.0.0.300/8', /IPv4 network/],
    ['database.cidr=10.0.0.0/33', /IPv4 network/],
    ['model.baseUrl=http://models.example.org/v1', /https address/],
    ['model.baseUrl=https://user:pass@models.example.org/v1', /without user/],
    ['model.baseUrl=https://models.example.org/v1?key=1', /without user, query and fragment/],
    ['model.name=a "b"', /visible ASCII/],
    ['oidc.issuer=login.example.org', /https address/],
    ['oidc.clientId=', /visible ASCII/],
    ['images.pullSecret=My Secret', /name of a Kubernetes object/],
    ['ingress.class=Nginx', /name of a Kubernetes object/],
    ['ingress.controller.podLabels=traefik', /labels as key=value/],
    ['trust.privateCa=yes', /true or false/],
    ['autoscaling.minReplicas=0', /whole number from 1/],
  ])('%s is refused', (assignment, message) => {
    expect(() => parseSettings(undefined, [assignment])).toThrow(message)
  })
})

describe('settings that do not go together', () => {
  it.each([
    ['development', ['database.port=6432'], /setting database.port has no effect in development without database.host/],
    ['staging', ['model.cidr=10.0.0.0/8'], /model.cidr has no effect in staging without model.baseUrl/],
    ['development', ['oidc.clientId=todo'], /oidc.clientId has no effect in development without oidc.issuer/],
    ['production', ['autoscaling.maxReplicas=2'], /autoscaling.maxReplicas \(2\) must be at least autoscaling.minReplicas \(3\)/],
    ['staging', ['autoscaling.minReplicas=1'], /minReplicas \(1\) must be at least 2 in staging/],
    ['production', ['autoscaling.minReplicas=1', 'autoscaling.maxReplicas=1'], /minReplicas \(1\) must be at least 2 in production/],
    ['staging', ['autoscaling.minReplicas=4'], /maxReplicas \(3\) must be at least autoscaling.minReplicas \(4\)/],
  ] as const)('in %s: %s', (environment, assignments, message) => {
    const settings = parseSettings(undefined, assignments)
    for (const use of [checkSettings, toKustomize, toHelm]) expect(() => use(environment, settings)).toThrow(message)
  })

  it.each([
    ['production', ['database.port=6432', 'model.name=x', 'oidc.clientId=todo']],
    ['development', ['database.host=db', 'database.port=6432']],
    ['production', ['autoscaling.minReplicas=2', 'autoscaling.maxReplicas=2']],
    ['development', ['autoscaling.minReplicas=1', 'autoscaling.maxReplicas=1']],
  ] as const)('others do: in %s %s', (environment, assignments) => {
    expect(() => checkSettings(environment, parseSettings(undefined, assignments))).not.toThrow()
  })
})

describe('nothing set', () => {
  it.each(['development', 'staging', 'production'] as const)('changes nothing in %s', (environment) => {
    expect(toKustomize(environment, {})).toEqual({ components: [], images: [], configMapGenerator: [], patches: [] })
    expect(toHelm(environment, {})).toEqual([])
  })
})

describe('placeholders in objects', () => {
  const map = (data: Record<string, string>): KubeObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data })

  it.each([
    ['https://login.todo-chat.example/realms/x', 'oidc.issuer'],
    ['client-id.todo-chat.example', 'oidc.clientId'],
    ['database.todo-chat.example', 'database.host'],
    ['https://staging.todo-chat.example', 'host'],
    ['todo-chat.example', 'host'],
  ])('%s is the missing setting %s', (value, name) => {
    expect(missingSettings([map({ a: value })])).toEqual([expect.objectContaining({ name, carrier: 'ConfigMap settings' })])
  })

  it('that belong to no setting are told too', () => {
    expect(missingSettings([map({ a: 'cache.todo-chat.example' })])).toEqual([{ placeholder: 'cache.todo-chat.example', carrier: 'ConfigMap settings' }])
  })

  it('are told once, and their absence is no trouble', () => {
    expect(missingSettings([map({ a: 'todo-chat.example' }), map({ b: 'todo-chat.example' })])).toHaveLength(1)
    expect(missingSettings([map({ a: 'todo-chat.localhost' })])).toEqual([])
  })
})

describe('the table', () => {
  it('has a meaning, a rule and a default for each setting', () => {
    for (const { name, meaning, value, standard } of settingRows()) {
      expect([name, meaning.length > 10, value.length > 5, standard.length > 0]).toEqual([name, true, true, true])
    }
  })

  it('says where a setting is required', () => {
    expect(settingsText()).toMatch(/^host {2}\(required in staging, prod\)$/m)
    expect(settingsText()).toMatch(/^database\.host {2}\(required in prod\)$/m)
  })
})
