import assert from "node:assert/strict";
import { test } from "node:test";
import { themed } from "../../src/page.ts";

const PAGE =
  "<!DOCTYPE html><html><head><style>a</style></head><body><p>1</p></body></html>";

test("the policy comes before anything it is to hold for", () => {
  const page = themed(PAGE);
  assert.match(page, /<head>\s*<meta http-equiv="Content-Security-Policy"/);
  assert.match(page, /content="default-src 'none'; style-src 'unsafe-inline'"/);
});

test("the theme's colors come after the page's own", () => {
  const page = themed(PAGE);
  assert.ok(page.indexOf("<style>a") < page.indexOf("--vscode-editor-background"));
  assert.ok(page.indexOf("--vscode-editor-background") < page.indexOf("</head>"));
  assert.ok(page.endsWith("<body><p>1</p></body></html>"));
});
