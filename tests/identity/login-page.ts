/** What a person sees at the identity provider. */

/** @returns a form that takes any name; `action` is where it is sent to */
export function loginPage(action: string, problem: string | null): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,"><title>Identity provider for tests</title></head>
<body>
<main>
<h1>Identity provider for tests</h1>
<p>It believes everybody: any name signs in, without a password. Never let people use it.</p>
${problem === null ? '' : `<p role="alert">${escape(problem)}</p>`}
<form method="post" action="${escape(action)}">
<p><label>User name <input name="user" autocomplete="username" maxlength="255"></label></p>
<p><button name="answer" value="yes">Continue</button> <button name="answer" value="no">Cancel</button></p>
</form>
</main>
</body>
</html>
`
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
