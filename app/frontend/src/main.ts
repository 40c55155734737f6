import { mount } from "./app/mount.ts";

const root = document.getElementById("app");
if (root === null) throw new Error('the page has no element with the id "app"');
mount(root, { fetch: window.fetch.bind(window), window });
