"""The rules of `split_sentences`; a bar in a text shows where a sentence ends."""

import pytest

from tests.operators.sentences import split


def check_split(marked: str, language: str | None = None) -> None:
    """Check that a text is split at its bars; the space after a bar belongs to the next sentence."""
    text = marked.replace("|", "")
    assert split(text, language, strip=False) == marked.split("|")


@pytest.mark.parametrize(
    "marked",
    [
        "The door opened.| A cat came in.| It sat down.",
        "Ready?| Steady!| Go.",
        "What?!| You again?| No!!!| Yes.",
        "nobody cares. really| not at all".replace("|", "").replace("cares.", "cares.|"),
        "Version 2.0.1 costs 3.50 euros.| See example.org/a.b?c=d.| Mail jo.doe@example.org.| Then wait.",
        "The file main.py imports os.path.| Node.js does not.",
        "There are 5! = 120 ways.| Count them.",
        "I like the iPhone.| iPads too.",
        "It cost $5.| $6 is more.| #later",
        "“Who is there?” she asked.| “Me,” he said.| “Come in.”| They did.",
        "He said 'Stop.'| Nobody did.",
        'She sat.| "He left.| She stayed. "|\nThen he said, " Stop . "| She ran.',
        "He said ` No . '| He left .",
        'He said "It is [...] ".| Then.|  "...and so on" he said. "',
        'He said "It is [...] ".',
        'It is “fine.\n”|\nThen "it is.\n"|\nHe said "go|\n"Two|\nmen "|\n',
        "It is odd) but true.| So what?",
        "“Run!” Ann shouted.| “Why?” Ben asked her.| “Who?”| Ann left.| “Me!”| She left.",
        "It is small (see p. 4. Or p. 5) and old.| (Nobody knows why.)| We left.",
        "The wall fell.[3]| A new one was built.[4][12]| It stands.",
        "The wall fell. [3]| It was old.",
        "We won!! 🎉🎉| Let us go.",
        "That was fun :)| See you.".replace(":)|", ":)"),
        "That was fun. :-)| See you.",
        "✅ It is done.| ❌ It is not.| ⚠️ Look!",
        "**Done.**| *Next.*| _Last._| End",
        "Use the <i>bold.</i> tag.| Then close it.",
        "Take the car.|The bus is late.| Why?|Because it rains.",
        "Hi!|How are you?|I am fine.|Thanks!| Take obj?.Value, not obj.Value!",
        "Дорога.|Дом.| Дым.",
        "He fell.| ...and then he stood up.| .NET is a name.",
        "The sum is $$a. b.$$| Then \\(x = 5.\\)| End",
        "“He ran [...] and fell [...]” (Oak 55).| Next.",
        "›Nein.‹| »Ja.«| Er sagte »›Nein!‹«| Dann ging er.",
        "Wait... what is it?| Hmm...| The end.",
        "Wait… what is it?| I thought… no.| They came… they left.| Hmm…| The end.",
        "ذهبت... في البيت.| نعم",
        "I thought... I could.| You could not... Maybe so.".replace("not... M", "not...| M"),
        "And so on . . . until it ends. . . .| Then we rest.",
        "He thought\u00a0.\u00a0.\u00a0. I did.| So.",
        "He thought . . . I did not.| He was wrong. . . .| I told him.| He knew....| I left.",
        "It costs approx. $5, i.e. €4.| Go.| $5 is enough.| He weighs 5 lb.| #later",
        "Use both.| == compares values.| It works!| ∴ it is 2.| 12 in. = 1 ft. and 5! = 120.| n! = 6.| So.",
        "We paid in pens, etc.| $5 was left in the U.S. $10 bill.",
        "That was it .| Really ! ?| Yes .",
        "He went out .| ' No one saw him .".replace(".| '", ". '|"),
    ],
)
def test_marks(marked: str) -> None:
    check_split(marked)


@pytest.mark.parametrize(
    "marked",
    [
        "Dr. Vega met Mr. and Mrs. Oak at St. Anne's.| They left.",
        "On Sat. Tom came to see us.| In Jan. they came back.| On Fri. we rest.| It was Sat.| Tom left.",
        "Fri. the 13th came.| See the docs.| they help.",
        "It is open from 9 a.m. to 5 p.m. Mon. to Fri.| It is closed on Sundays.",
        "It was 20 deg. C or 68 deg. F.| It was only 20 deg.| They left.",
        'It is short for "Dr."| It is a title.| He met "Mr." Oak.| They say "e.g."| We do not.',
        "Bring tools, e.g. Phillips screwdrivers.| Then start.",
        "It is made by Oak Inc. in Bonn.| Oak Inc. It is small.".replace("Inc. It", "Inc.| It"),
        "She works for Oak Corp. Her boss knows.".replace("Corp. Her", "Corp.| Her"),
        "See no. 5 and p. 7.| No.| It is nothing.",
        "It was in Fig. 2a.| Ann drew it.",
        "It ended World War I.| Germany lost it.",
        "J. K. Oak wrote it.| Ask Ann B. Oak.| It was Plan B. She knew.".replace("B. She", "B.| She"),
        "The U.S. Army came to the U.S. It stayed.".replace("U.S. It", "U.S.| It"),
        "He has a Ph.D. in law.| She has a Ph.D. They met there.".replace("Ph.D. They", "Ph.D.| They"),
        "We left at 5 p.m. Tom stayed.".replace("p.m. Tom", "p.m.| Tom"),
        "At 5 p.m. Tom left.| In 40 B.C. Rome was big.",
        "We left at 6 a.m. Mr. Oak stayed.".replace("a.m. Mr", "a.m.| Mr"),
        "At 6 a.m. Mr. Oak left..",
        "Call at 5 p.m. Eastern or 6 p.m. Monday.| It is 5 p.m.| Ann calls.",
        "Buy pens, ink, etc. Shops are open.".replace("etc. S", "etc.| S"),
        "It is 5 ft. 3 in. tall and 2 ft. wide.| It weighs 5 lb. Tom lifts it.".replace("lb. T", "lb.| T"),
        "We read Yahoo! News.| We like Yahoo! It is old.".replace("Yahoo! It", "Yahoo!| It"),
        "It is on Mgr. Oak.| The mgr. The boss.".replace("mgr. The", "mgr.| The"),
        "nobody knows approx. values. but some do.".replace("values. ", "values.| "),
        "Say it, Jr. A. Oak said.",
        "Ok.| Tom left.| Oh.| Ann came.",
        "Hmm.| Sky is blue.| Shh.| Tom sleeps.| Psst.| Bob!| The bldg. Oak left.",
        "J.-P. Oak and C.-H. Ash came.| They sat.",
        "Open Mon.–Fri., 9 a.m.-5 p.m., 1 p.m.—6 p.m. too.| Come in.| – Now?",
        "Take option A.| Option B is better.",
        "See vol. II, no. IX and ch. V.| Read ch. X.| He said no.| I left.| It is Fig. VI",
    ],
)
def test_abbreviations(marked: str) -> None:
    check_split(marked)


@pytest.mark.parametrize(
    "marked",
    [
        "On Monday the shop opens at 9 a.m.| Customers wait outside.",
        "In our house we have chairs, tables, etc.| Guests like it.",
        "At about 5 p.m. Tom left.| On Monday, May 5 at 6 a.m. Mr. Oak came.",
        "From 9 a.m. to 5 p.m. Tom works.| Between 5 and 6 p.m. Ann rests.",
        "In the year 40 B.C. Rome was big.| In the old town it was 9 p.m.| Mr. Oak slept.",
        "At 5 p.m. the old man and the sea and the boy and the fish met at 9 p.m.| Tom saw.",
    ],
)
def test_an_abbreviation_stays_open_only_in_the_phrase_that_opens_the_sentence(marked: str) -> None:
    check_split(marked)


@pytest.mark.parametrize(
    "marked",
    [
        "He has an M.Sc.| Anna knows.| She got her Ph.D.| Tom did not.",
        "She is an M.D.| Ben is not.| Ask M.D. Oak and B.A. Ash.| He has a B.A.| Ann too.",
        "They went SW.| Ben stayed.| It faces NE.| Sun comes in.",
        "He lives in CT.| Ben left.",
        "I met the prof.| He was nice.| Prof. He came.| Ask the Dr.| She knows.| Ask the Dr. Oak we know.",
        "He became Sgt.| The men cheered.| Ask Dr. The Li.| Ask the Dr.",
        "He is a capt. They Li is not.| My asst. Will Oak came.",
        "Comm. Weber and Lt. Col. Oak met Brig. Gen. Ash.| Sgt. Maj. Elm sat.",
        "Oak Pte. Ltd. and Elm Pty. Ltd. Sydney met Ash Co. Ltd.| They sat.| Oak S.p.A. Rome paid.",
        "It is in 14 F. Supp. 2d 5, 12 S. Ct. 5, 3 L. Ed. 2d 7 and 10 Cal. App. 4th 12.| It holds.",
        "In Oak v. Elm, 347 U.S. 483 (1954), it ruled.| See 42 U.S.C. § 1983.| It is law.",
        "Copyright 2018 S. Oak.| It weighs 5 g.| It is G. Oak's.",
    ],
)
def test_degrees_titles_companies_and_citations(marked: str) -> None:
    check_split(marked)


@pytest.mark.parametrize(
    "marked",
    [
        "See Fig. B2 and Ref. XK-7.| Order no. AB-123 came.| Model No. X5 is new.",
        "See App. C and Fig. A.| It is Fig. A, not B.| No. B is right.".replace("No. B", "No.| B"),
        "It was in the fig.| A man saw it.| See the ref.| Ben has it.| Read ch.| Then go.",
        "We met at 6 p.m. March 9 in Rome.| It ends at 10 a.m. Jan. 5.| At last",
        "We met at 6 p.m.| May came too.| Call at 5 p.m. UTC+1 or 6 p.m. GMT.| It is 6 p.m.| Marc came.",
        "It is 6 p.m.| Marching is fun.| It is 7 p.m.| May",
        "It is 6 p.m. (EST) now.| It is 6 p.m.| 5 came.",
    ],
)
def test_labels_dates_and_zones(marked: str) -> None:
    check_split(marked)


@pytest.mark.parametrize(
    "marked",
    [
        "All fine.|Cats sleep.| I like it.|Dogs bark.| Go home.|Now we eat.",
        "See file.txt, e.g.this, 3.Abs and System.Out or System.out.println, threading.Lock objects.",
        "Call obj.Method now.| It is the time.|Then go.| It works!|Great.",
        "Call foo.Bar now, or approx.Five, a.Cat and Oak.Elm too.",
        "It was 2004.|The end.| Wow!|Cats sleep.| Well...|Cats sleep.| Yahoo!Mail is old.",
        "It is at x.Yz",
    ],
)
def test_glued_sentences(marked: str) -> None:
    check_split(marked)


@pytest.mark.parametrize(
    "marked",
    [
        "The cat sat.| the dog ran.| It works.| then it broke.",
        "It was late.| so we left.| See the docs.| they help.",
        "It was fun!| then we left.| Who came?| nobody knows.| The musical Oklahoma! is old.",
        "He is a med. student.| The undef. word.| See p. the last.| “Run!” he said.",
        "He ran (fast. the end) off.| It is here.",
        "Ask Plan B. the rest.| Well... the end.| It ends.. the end.| He said “Why? who is it” again.",
        "It broke.| the",
    ],
)
def test_lower_case_after_a_sentence_with_a_capital(marked: str) -> None:
    check_split(marked)


@pytest.mark.parametrize(
    ("language", "marked"),
    [
        ("sv", "”Kommer du?” frågade han.| ”Nej.”| Han gick."),
        ("da", "»Kommer du?« spurgte han.| »Nej.«| Han gik.| – »Nu?«"),
        ("el", "«Έρχεσαι;» ρώτησε.| Ναι;!| «Όχι.»| Τι;\u037e| Έφυγε."),
        ("de", "Dr.phil. Eich und Dr.-Ing. Ulm kamen.| Vgl. § 5.| Die 3. Seite."),
        ("de", "Das ist Teil 3.| Teil 4 folgt.| Siehe Nr. 5.| Gut so."),
        ("de", "Ruf 12 34 56 an, oder 12 34 57.| Ilse kommt am 5. Mai."),
        ("de", "Er wohnt in der Hauptstr. Nord.| Sie wohnt in der Hauptstr.| Dort ist es laut."),
        ("hu", "2004. 5. 3. Hétfő volt.| 1990. Január volt 2005.| Az igen."),
        ("ko", "2004. 5. 3. 에 왔다.| 갔다."),
        ("ru", "12 апр. 1961 г. Гагарин полетел.| Было в 90-е гг. XX в.| Да.| Стоит 5 руб.| Олег ждёт."),
        ("cs", "Žije v Praze 5.| Brno je dál.| Karel IV. Dobrý přišel 5. 5. 2004 jako 3. muž.| Dnes ne."),
        ("cs", "Má 5 m.| V lese je dům.| 6. V lese"),
        ("ru", "Жил в XX в.| Конец.| Их 5 кв. м.| Хватит.| Км.| 5."),
        ("kk", "5-сур. қараңыз.| Жақсы."),
        ("am", "ይህ ቤት ነው፡፡| ይህ፡ቤት፡ነው::| ሰዓቱ 10:30 ነው።"),
        ("bn", "সে বলল, ‘আমি যাব।’| সে গেল।| 'আমি যাব।'| ভালো।"),
        ("ur", "وہ ایم۔ اے۔ پاس ہے۔| ایم۔بی۔ اے۔ کیا ہے؟| اس نے چائے پی۔| شکریہ جناب۔| اچھا ہے ۔| ہاں"),
        ("ja", "すごい！と思った。|え？って聞いた。|本当！|とても。|だめ？|と"),
    ],
)
def test_habits_of_languages(language: str, marked: str) -> None:
    check_split(marked, language)


def test_eager_waits_for_a_quote_that_may_close() -> None:
    assert split("Så sa hon: ”Jag går nu.” Han gick.", "sv", eager=True)[-1] == "Han gick."
    assert split("Er sprach: »Wir gehen.« Sie ging.", "de", eager=True)[-1] == "Sie ging."


@pytest.mark.parametrize(
    "marked",
    [
        "Do this:|\n1. Open it.|\n2. Close it.|\n\nThen stop",
        "1) First|\n2) Second",
        "1. The red one| 2. The blue one| 3. The green one",
        "1.) The red one| 2.) The blue one",
        "a. Wood| b. Stone| c. Iron",
        "• Wood| • Stone| • Iron",
        "• Wood•fibre| • Stone",
        "A•B is a product.| It is a number.",
        "• 1. Wood| • 2. Stone",
        "Two reasons.| 1. It is old.| 2. It is small.| So be it.",
        "Step 1. Mix.| Step 2. Bake.| Шаг 3. Ешь.",
        "-\nWood.|\n- Stone",
        "A. Wood|\nB. Stone",
        "а. Он|\nб. Она|\nα. Ένα|\n가. 하나|\n네.| 알아요.",
        "Take f(x, 2) and go.| Then rest.",
        "Here are the steps:| 1. Open the app.| 2. Tap Save.| So be it.",
        "**The steps:**| **1. Open the app.**| **2. Tap Save.**",
        "步骤如下：|1. 打开应用。|2. 点击保存。|1.打开应用。|2.点击保存。",
        "The answer: 1. but not 2.| It is: 1.",
        "1.First item|\n2.Second item",
        "1.First| 2.Second| 3.Third",
        "1. Wood x2) and so| 2. Iron",
        "1.5 is a number.| 1.txt is a file.",
        "To do:| • Wood| • Stone",
        "We need: 1.Milk, 2.Bread and 3.The salt.| Go.",
        "8.1. Scope of it.|\n8.2. Use of it.|\n§ 3. End of it.",
        "No, they go.| [z] Last.| (vii) And the end (a man).| (b) Wood, see (c) and (d) Iron.| (ab) stone.",
        "4.|\n\nThese are it.",
        "We have two ways.| a) Stay home.| b) Go out.| iv) Ask the man.",
        "Section 3.2. Methods of it.| Section 4. Results.",
        "-\nWood|\n-|\n\nStone",
    ],
)
def test_lists(marked: str) -> None:
    check_split(marked)


@pytest.mark.parametrize(
    "marked",
    [
        "# 1. Start. Here|\nIt begins.| Now.",
        "| a. B | c! D |\n| e |".replace("D |\n", "D |\x00\n"),
        "Look:|\n```py\na = b.C\nd = 1. + 2.\n\n```|\nDone.",
        "~~~\nA. B\n~~~|\nDone",
        "```one. Two```|\nDone",
        "> ```\n> A. B\n> ```|\nDone",
        "```\nA. B\n``\nno end. Here",
        "Use `a. B` or ``c``.| The rest",
        "Run `make all.`| Then wait.| Run ```make ` all.```| Then wait.| Run `Dr.` It",
        "Call `save!` Then `ls .` Then `cd ..` Then `a.b. c` Then",
        "He said ``Stop.''| Then he left.| ``It ends.''| ``It does not.''| ``Dr. Oak'' left.",
        "Use ```a ` b. C``` now.| The rest",
        "See [a. B](http://x.y/Z.html).| Done",
        "A stray ` is here.| Still fine" + " and so on" * 25 + ".| New one".replace("|", ""),
        "One\u2028Two".replace("\u2028", "|\u2028"),
        "First line|\r\nsecond line",
    ],
)
def test_markdown(marked: str) -> None:
    if "|\n|" in marked or "\x00" in marked:
        assert split("| a. B | c! D |\n| e |") == ["| a. B | c! D |", "| e |"]
    elif "stray" in marked:
        assert split(marked.replace("|", ""))[-1] == "New one"
    else:
        check_split(marked)


@pytest.mark.parametrize(
    "marked",
    [
        "今天很好。|我们走吧！|你呢？|好",
        "他说：“走吧。”|我走了。",
        "他问：“好吗？”|“好。”她答。|对",
        "Dr.山田が来た。|次",
        "“你是谁？”她问。|没有人。",
        "「はい。」|「いいえ。」|\n終わり",
        "「行こう！」と言った。|彼は笑った。",
        "（小さい。古い）家です。|次",
        "うん…。|そうか……？|はい。",
        "（这是注。另一句。）|下一句（很短。）。|（没有完。|".rstrip("|"),
        "使用 3.5 版。|打开 main.py。|完",
        "これが最高!次は何?はい".replace("!", "!|").replace("?", "?|"),
        "Yahoo!ニュースを読む。|次",
        "我……不知道。|好",
        "ABC.好的。|完".replace("C.", "C.|"),
        "यह घर है।| वह बड़ा है।| अच्छा",
        "یہ گھر ہے۔| اچھا",
        "!!!。好。|的",
        "“我走了。”|第二天下雨。|“你好！”|外面很冷。|“是。”小明高兴地说：“走吧。”|我走了。",
        "「いい天気だ。」|外は明るい。|「いい天気だ。」彼女は笑った。|「はい。」と言った。|「元気？」|彼は黙った。",
        "“为什么？”|没有人。|“因为。”妈妈轻轻地回答。|這是「好。」的意思。|“走。”",
        "“你好。” means hello.| 「はい。」 is yes.| “谢谢！” Thank you.|".rstrip("|").replace("” T", "”| T"),
        "《你好。》是书。|他来了。|“好。”",
        "「行こう!」と言った。|「はい!」|“真的?”他问道。|我说：“对!”|然后走了。|“走吧!”。|好",
        "これはU.S.です。|我是Dr.山田。|我喜欢Yahoo!、Oak!。|すごい!|「はい」",
        "“走。”|没有任何一个人知道他们为什么要在这个时候离开这里说话。|“走。”|没有",
    ],
)
def test_scripts_without_spaces_or_capitals(marked: str) -> None:
    check_split(marked)


def test_a_bar_ends_a_sentence_where_it_is_typed_for_a_danda_but_not_in_tables() -> None:
    text = "यह घर है | वह बड़ा है || अच्छा a|b है।\n| क | ख |"
    parts = ["यह घर है |", "वह बड़ा है ||", "अच्छा a|b है।", "| क | ख |"]
    assert split(text, "hi") == parts


def test_brackets_that_never_close_do_not_stall() -> None:
    assert split("It is (odd" + " and so on" * 30 + ". Then it ends.")[-1] == "Then it ends."


def test_a_frowning_emoticon_is_not_a_bracket() -> None:
    check_split("I am sad :(| But fine.| Really.".replace("(|", "("))
