/** A report for other tools, written to the path that JEST_JUNIT_OUTPUT_FILE names. */
const junit = [
  "jest-junit",
  {
    suiteName: "frontend",
    suiteNameTemplate: "{filepath}",
    classNameTemplate: "{filepath}",
    titleTemplate: "{classname} › {title}",
    ancestorSeparator: " › ",
  },
];

/** @type {import("jest").Config} */
export default {
  testEnvironment: "<rootDir>/jest.environment.js",
  roots: ["<rootDir>/src"],
  transform: { "\\.[jt]s$": ["babel-jest", { configFile: "./babel.config.json" }] },
  // lit-html is published as ES modules only.
  transformIgnorePatterns: ["/node_modules/(?!lit-html/)"],
  setupFilesAfterEnv: ["<rootDir>/src/testing/setup.ts"],
  restoreMocks: true,
  // A guard against hanging only: an audit of the whole page takes seconds on a busy machine.
  testTimeout: 60_000,
  collectCoverageFrom: ["src/**/*.ts", "!src/testing/**", "!src/**/*.test.ts"],
  coverageThreshold: { global: { branches: 90, functions: 90, lines: 90, statements: 90 } },
  coverageReporters: ["text", "lcov", "json-summary"],
  reporters: process.env.JEST_JUNIT_OUTPUT_FILE ? ["default", junit] : ["default"],
};
