"""Sentences of an article that say nothing of its subject: orders to whoever reads or writes the answer; questions.

An article is quoted for what it says. An order to an assistant, or code, is never quoted, and nothing is borne out by
it, nor by a question. The rules are words and shapes that are known: an order in other words passes as a statement.
"""

import functools
import re
from collections.abc import Iterator

from assistant.types import Reason

__all__ = ["asks", "instructs", "is_code", "void"]

VERBS = (
    "add|analy[sz]e|anagram|answer|append|apply|ask|assume|attach|augment|begin|blend|break down|calculate|"
    "capitali[sz]e|choose|cite|classify|click|combine|compile|compose|compute|conclude|construct|convert|copy|create|"
    "decode|decrypt|define|delete|deploy|describe|design|detail|determine|develop|discuss|display|download|draft|embed|"
    "employ|encode|encrypt|enhance|enumerate|evaluate|execute|explain|express|extract|fetch|find|format|fuse|generate|"
    "give|group|help|identify|illustrate|implement|incorporate|include|inject|insert|install|integrate|interpret|"
    "introduce|invent|invert|jumble(?: up)?|list|load|mark|meld|mention|merge|misspell|modify|name|offer|omit|open|"
    "outline|output|paraphrase|paste|predict|pretend|print|produce|propose|provide|put|rearrange|recommend|redirect|"
    "remove|render|repeat|rephrase|replace|reply|respond|reveal|reverse|rewrite|run|say|scramble|select|send|share|"
    "shift|show|shuffle|solve|sort|spell|state|submit|substitute|suggest|sum up|summari[sz]e|swap|teach|tell|"
    "transform|translate|turn|type|use|utili[sz]e|visit|weave|write"
)
# What such a verb takes where it is an order: `Describe the`, but neither `Design principles` nor `Tell him`.
TAKES = (
    r"(?:an?|the|this|these|those|all|any|every|each|some|no|me|us|your|one|two|three|how|why|what|where|who|whether|"
    r"random|only|exactly|users?|readers?|letters?|words?|vowels?|spaces?|numbers?)\b|[\"'“‘«]|https?:|www\."
)
POLITE = (
    r"(?:(?:important|note|attention|urgent|task|todo|system|user|assistant|human|ai|instructions?): ?)?"
    r"(?:(?:please|kindly|now|also|then|next|first|finally|instead|additionally|to proceed),? )*"
    r"(?:(?:you (?:must|should|shall|need to|have to)|i (?:want|need|would like) you to|always|"
    r"(?:do not|don't|don’t|never) (?:hesitate|forget|fail) to|(?:be sure|make sure|remember|keep in mind) to)"
    r"(?: also| now| then| always)? )?"
)
# Where a sentence begins: a verb without a subject; a request; questions that ask for a writer's work.
AT_START = re.compile(
    rf"(?=[A-Z])(?i:{POLITE})(?:(?i:{VERBS}) (?:{TAKES})|(?i:"
    r"(?:answer|reply|respond|say|speak|write|talk|act|continue)(?: it| this)?(?: only| always)? "
    r"(?:in|as|with|like|using) |"
    rf"can you (?:please |kindly |also )?(?:{VERBS}) |(?:could|would|will) you (?:please |kindly |also )?\w+ me |"
    rf"how (?:do|can|should) i (?:{VERBS}) |how do you (?:say|spell|translate|pronounce|write) |"
    r"what(?:'s|’s| is) (?:the \w+ (?:word|equivalent|translation) (?:of|for) )?['\"“‘][^'\"”’]+['\"”’] in "
    r"))"
)
# The same in German, Spanish, Russian, Chinese and Arabic.
AT_START_ABROAD = re.compile(
    r"(?:bitte )?(?:schreib|gib|übersetz|füg|antwort|nenn|druck|zeig|ruf|besuch|verrat|erklär|beschreib|erstell|"
    r"markier|öffne|sag|wiederhol)(?:e|en sie)? (?:\w+ )?"
    r"(?:(?:eine?n?|den?|die|das|mir|uns|alle|dies\w*|deine?n?|folgende\w*)\b|https?:|www\.|[\"'“„«‚])|"
    r"(?:por favor,? )?(?:escrib[ea]|respond[ea]|traduc[ea]|traduzca|muestr[ae]|imprim[ea]|revel[ae]|incluy[ea]|"
    r"añad[ea]|agreg[ae]|visit[ae]|di|diga|explic[ae]|descarg[ae]|marc[ae]|repit[ea]|envía|envíe) "
    r"(?:(?:una?|el|la|los|las|est[ea]|tus?|su|todo|como|que)\b|https?:|www\.|[\"'“«])|"
    r"(?:пожалуйста,? )?(?:напиши|выведи|переведи|покажи|добавь|ответь|посети|перейди|раскрой|объясни|опиши|составь|"
    r"повтори|отправь|скажи|назови|отметь|распечатай|напечатай)(?:те)?\b|"
    r"请?(?:写一|翻译|输出|打印|显示|访问|点击|请写|请把|请将|告诉我|重复|说出)|"
    r"(?:من فضلك،? )?(?:اكتب|ترجم|اطبع|أظهر|اعرض|أضف|اشرح|زر|انقر|كرر|أرسل) ",
    re.IGNORECASE,
)
ANYWHERE = (
    # what an assistant makes, or was given: `Replace letters in your answer`
    r"\b(?:in|into|to|of|from|for|with|within|throughout|using|before|after|by) your (?:[\w-]+ ){0,2}(?:answers?|"
    r"responses?|reply|replies|outputs?|solution|implementation|codebase|code|algorithms?|completion|elucidation)\b",
    r"\byour (?:system|hidden|initial|internal) (?:prompt|instructions)\b",
    r"\b(?:system prompt|environment variable|api key)s?\b",
    r"\b(?:following|subsequent|below|above) code\b",
    # what it is to forget, and to be
    r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,60}\b"
    r"(?:instructions?|prompts?|commands?|directions|guidelines)\b",
    r"\b(?:ignore|disregard|forget) (?:everything|all|anything)\b.{0,30}\b(?:above|before|previously|so far)\b",
    r"\byou are (?:now )?(?:an? )?(?:\w+ )?(?:AI|assistant|chatbot|language model|ChatGPT|DAN)\b",
    r"\b(?:AI|LLM|language|chat) ?(?:assistant|model|bot|agent)s?\b.{0,30}\b"
    r"(?:must|should|shall|have to|need to|please)\b",
    # what it is to vouch for, and where to send the reader
    r"\bmark\b.{0,30}\bas (?:supported|quoted|verified|confirmed)\b",
    r"\b(?:click|visit|go to|browse to|navigate to|download|open|fetch|follow|link(?:ing)? to|get it at)\b.{0,60}"
    r"(?:https?://|\bwww\.|\b[a-z0-9-]+\.(?:com|net|org|io|xyz|example)\b)",
    # German, Spanish, French, Russian, Chinese, Arabic
    r"\b(?:ignorier|vergiss|vergessen sie|missachte).{0,50}\b(?:anweisung|instruktion|vorgabe|regel|befehl)",
    r"\b(?:dein|ihr)(?:e[nrms]?)? (?:\w+ )?(?:antwort|systemprompt|systemanweisung|anweisung|umgebungsvariable)",
    r"\b(?:ignor[ae]|olvid[ae]|descart[ae]).{0,50}\b(?:instrucci|indicaci|regla|[oó]rden)",
    r"\b(?:tus?|su) (?:\w+ )?(?:respuesta|contestación|prompt|instrucciones)\b",
    r"\b(?:ignore[zr]?|oublie[zr]?) .{0,30}\b(?:instructions?|consignes?)\b|\b(?:ta|votre) (?:\w+ )?réponse\b",
    r"(?:игнориру|забуд).{0,50}(?:инструкци|указани|команд|правил)",
    r"\b(?:тво|ваш)\w* (?:\w+ )?(?:ответ|инструкци|системн)",
    r"(?:忽略|无视|忘记|忘掉).{0,20}(?:指令|指示|说明|提示|规则|命令)",
    r"[你您]的(?:系统)?(?:回答|回复|答案|答复|提示|指令)",
    r"(?:تجاهل|انس).{0,50}(?:تعليمات|أوامر|توجيهات)|(?:إجابتك|ردك|جوابك|تعليماتك)",
    # markup that would fetch or run something, an address or a citation's mark by itself, the marks of a prompt
    r"!\[[^\[\]]*\]\s?[(\[]|\]\s?\(\s?(?:https?:|//|javascript:|data:)|^ *\[[^\[\]^]+\]: *<?(?:https?:|//|data:)",
    r"[<‹]/?(?:a|audio|base|body|button|embed|form|iframe|img|input|link|meta|object|script|style|svg|video|passage|"
    r"system|user|assistant|instructions?|prompt)\b|\bjavascript:",
    r"^[^\w\n]*(?:https?://\S+|\[\d+(?:, ?\d+)*\])[^\w\n]*$|<\||\|>|\[/?INST\]|<<SYS>>",
)
ORDERS = tuple(re.compile(pattern, re.IGNORECASE | re.MULTILINE) for pattern in ANYWHERE)
START = re.compile(r"[^\W_]")
NEXT = re.compile(r"[.!?][\"”'’)]? +[\"“(]?(?=[A-Z])")

NAME = r"[A-Za-z_]\w*(?:\.\w+)*"
TARGET = rf"\*?{NAME}(?:\[[^\]]*\])?"
CODE = re.compile(
    r"\s*(?:"
    r"```.*|#!\S.*|"
    rf"import {NAME}(?: as \w+)?(?:, ?{NAME}(?: as \w+)?)*|from {NAME} import .+|"
    rf"(?:await |return |yield |del |print )?{NAME}[\[(](?:.*[\])}}({{\[,:;])?(?:\.\w+)?|"  # a call
    rf"{TARGET}(?:, ?{TARGET})* ?[-+*/]?= ?\S.*|"  # an assignment, a named argument
    rf"(?:async )?(?:def \w+\(.*|class \w+[(:].*|with .*\(.*|for \w+(?:, ?\w+)* in {NAME}(?:\(.*\))?:?)|"
    r"(?:try|else|finally|except\b.*|(?:while|if|elif) (?=.*[(=<>]).*):|return .*[(\[].*|"
    # parts of a call, a list or a mapping over several lines
    r"[\"'][^\"'\s]*[\"'](?:: ?.+)?,?|[\"'][^\"']*[\"'],(?: ?\w+=.+)?|"
    rf"[\[{{](?:.*\bfor \w+(?:, ?\w+)* in .*|[\"'][^\"']*[\"'][:,] ?.*)|{NAME}\([^()]*\)(?:, ?\w+=[\w.]+)+|"
    r"[\])}({\[,;:]+(?:\.\w+(?:\(.*)?| (?:as|for|in) .*[:(])?|"
    r"(?:sudo |\$ )?(?:rm -|curl |wget |chmod |dd if=|pip install |bash |sh -c )\S.*"
    r")\s*"
)


def void(sentence: str) -> Reason | None:
    """Why a sentence bears out nothing and is borne out by nothing: an order, a question. None for a statement."""
    return "instruction" if instructs(sentence) else "speaker" if asks(sentence) else None


@functools.lru_cache(maxsize=8192)  # an article's sentences are looked at with every question that finds it
def instructs(sentence: str) -> bool:
    """Whether a sentence orders, asks or would make the writer of an answer do something, or is code."""
    begins = any(AT_START.match(sentence, at) or AT_START_ABROAD.match(sentence, at) for at in starts(sentence))
    return begins or any(order.search(sentence) for order in ORDERS) or is_code(sentence)


def asks(sentence: str) -> bool:
    """Whether a sentence is a question, other than one that it quotes."""
    return sentence.rstrip().endswith("?")


def is_code(text: str) -> bool:
    """Whether most of the lines are code."""
    lines = [line for line in text.splitlines() if line.strip()]
    return bool(lines) and 2 * sum(bool(CODE.fullmatch(line)) for line in lines) > len(lines)


def starts(sentence: str) -> Iterator[int]:
    """Where a sentence begins, and sentences within it that were not taken apart."""
    if first := START.search(sentence):
        yield first.start()
        yield from (found.end() for found in NEXT.finditer(sentence))
