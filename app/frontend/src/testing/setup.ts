import "@testing-library/jest-dom/jest-globals";
import { expect } from "@jest/globals";
import { toHaveNoViolations } from "jest-axe";

expect.extend(toHaveNoViolations);
