import js from '@eslint/js'
import tseslint from 'typescript-eslint'
import { roomRules } from './deploy/rooms.js'

export default tseslint.config(
  { ignores: ['**/node_modules', '**/dist', '**/coverage', 'report', 'app', 'dagger/sdk', 'offline/sdk/content/template'] },
  js.configs.recommended,
  ...tseslint.configs.strict,
  {
    languageOptions: { globals: Object.fromEntries(['process', 'console', 'Buffer', 'URL', 'AbortController', 'AbortSignal', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'fetch', 'performance', 'TextDecoder', 'TextEncoder', 'structuredClone'].map((name) => [name, 'readonly'])) },
    rules: {
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      eqeqeq: 'error',
      'no-console': 'off',
    },
  },
  // A Dagger module is one class whose methods are its functions.
  { files: ['dagger/src/**/*.ts'], rules: { '@typescript-eslint/no-extraneous-class': 'off' } },
  ...roomRules,
)
