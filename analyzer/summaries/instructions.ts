/**
 * Lines that read like orders to a model, in many languages and encodings. Pure, and a filter only: what it overlooks
 * meets the checks of the answer (docs/adr/034-summaries.md).
 */
import { formsOf } from "./encodings.ts";

/** Words for "ignore", and for what is to be ignored, of one language. */
const OVERRIDES: readonly RegExp[] = [
  // English; other Latin ones have words in common, so each stem stands once.
  /\b(?:ignor\w{0,20}|disregard\w{0,20}|forget|override|overrule|bypass|skip|discard|drop|neglect|abandon)\b.{0,40}\b(?:instruct\w{0,20}|instruk\w{0,20}|instruc\w{0,20}|prompts?|directi\w{1,20}|guidelines?|rules?|orders|commands?|above|context|istruzion\w{0,20}|consign\w{0,20}|anweisung\w{0,20}|reg(?:el|ol|la)\w{0,20}|regras?|pokyn\w{0,20}|règles|indicacion\w{0,20}|indica[cç]\w{0,20}|directiv\w{0,20})\b/,
  /\b(?:vergiss|vergesst|missachte|übergehe|oublie\w{0,20}|négligez?|olvida\w{0,20}|omite|dimentica\w{0,20}|tralascia|esque[cç]a\w{0,20}|desconsidere|negeer|vergeet|glöm|bortse|strunta|zignoruj|pomi[nń]\w{0,20}|zapomnij|zapome[nň]\w{0,20}|abaikan|lupakan|bỏ qua|quên)\b.{0,40}(?:instru\w{0,20}|anweisung\w{0,20}|regel\w{0,20}|vorgaben|consigne\w{0,20}|règles|istruzion\w{0,20}|regol\w{0,20}|regla\w{0,20}|regra\w{0,20}|indicacion\w{0,20}|polece[nń]\w{0,20}|pokyn\w{0,20}|instruksi|perintah|hướng dẫn|chỉ dẫn|lệnh)/,
  /(?:игнорир\p{L}{0,20}|забудь\p{L}{0,20}|не обращай\p{L}{0,20}|отбрось\p{L}{0,20}|ігнору\p{L}{0,20}|забудь\p{L}{0,20}).{0,40}(?:инструкц|указани|правил|команд|інструкц|вказівк|настанов)/u,
  /(?:talimat|yönerge|komut|kural)\p{L}{0,20}.{0,30}(?:yok say|unut|görmezden|dikkate alma|boşver)/u,
  /(?:忽略|無視|无视|忘记|忘記|不要理会|跳过|绕过).{0,20}(?:指令|指示|提示|规则|規則|命令|要求|说明|說明)|(?:指令|指示|命令|ルール|プロンプト).{0,15}(?:無視|忘れ|忽略|无视)/,
  /(?:지시|명령|지침|규칙|프롬프트).{0,15}(?:무시|잊)/,
  /(?:تجاهل|انس|انسَ|تخط).{0,40}(?:التعليمات|الأوامر|القواعد|الإرشادات|تعليمات)/,
  /(?:התעלם|התעלמ|שכח|תשכח).{0,40}(?:הוראות|ההוראות|כללים|הנחיות|ההנחיות)/,
  /(?:निर्देश|आदेश|नियम)\S{0,9}.{0,30}(?:अनदेखा|भूल|उपेक्षा|नज़रअंदाज़)/,
  /(?:अनदेखा|भूल|उपेक्षा).{0,40}(?:निर्देश|आदेश|नियम)/,
  /αγνόησ\p{L}{0,20}.{0,40}(?:οδηγί|εντολ)|(?:αγνοήστε|ξέχασε).{0,40}(?:οδηγί|εντολ)/u,
];

/** Whoever is spoken to, is a model; or whoever speaks, is in charge of one. */
const ADDRESSES: readonly RegExp[] = [
  /<\|[a-z_]{2,30}\|>|\[\/?inst\]|<<\/?sys>>|<\/?(?:system|assistant|instructions?|prompt)>|#{2,}\s?(?:system|instructions?|new task|response)\b/,
  /(?:^|[\s"'>;.\n])(?:system|assistant|human|developer)\s?:\s?\S.{0,200}\b(?:you|your|set|title|output|answer|write|say|reply|stop)\b/,
  /\b(?:you are|you're|act as|behave as|pretend to be|pretend you|roleplay as|du bist|tu es|vous êtes|eres|sei|você é|jij bent|jesteś|ты|你是|你现在是)\s(?:now|ab jetzt|jetzt|maintenant|ahora|ora|agora|nu|teraz|теперь)\b/,
  /\b(?:act|behave|respond|answer|reply|pretend)\s(?:as if|as though|like)\s(?:you|an?\s(?:ai|assistant|bot|model))\b|\bpretend (?:to be|you|that you)\b/,
  /\b(?:dear|hello|hey|hi|attention|note to|notice to|message (?:to|for)|to|for)\s(?:the\s|any\s|all\s|an?\s|our\s)?(?:ai|a\.i\.|llms?|gpt|chatgpt|claude|mistral|gemini|copilot|(?:large )?language models?|chat ?bots?|assistants?|summari[sz]er|language-models?)\b/,
  /\b(?:as|for|you)\s(?:an?\s|the\s)?(?:ai|llm|assistant|language model|summari[sz]er)\b.{0,30}\b(?:you|must|should|shall|reading|have to|are)\b/,
  /\b(?:system prompt|developer mode|jailbreak|do anything now|systemprompt|initial prompt|hidden prompt|prompt injection)\b|системн\p{L}{1,20} (?:промпт|подсказ)|系统提示|システムプロンプト|시스템 프롬프트|invite système|prompt del sistema|prompt di sistema/u,
  /\b(?:new|updated|further|additional|important|real|actual|secret|following)\s(?:instructions?|orders|task|directives?)\b|\b(?:neue anweisung\w{0,20}|nouvelles? (?:instructions?|consignes?)|nuevas? instrucci\w{0,20}|nuove istruzioni|novas instruções|nieuwe instructies)\b|новые инструкции|新(?:的)?指[令示]/,
  /\b(?:your|deine?|ihre?|votre|tes|vos|tu|tus|suas?|je|jouw)\s(?:next\s|only\s|real\s|new\s|final\s)?(?:instructions?|prompt|rules|task|job|role|summary|answer|response|reply|output|anweisungen|aufgabe|antwort|zusammenfassung|réponse|consignes|respuesta|resumen|tarea|resposta|resumo|antwoord|samenvatting)\b/,
  /\b(?:instructions?|rules|prompts?|directions)\s(?:above|before|given|earlier|so far|you were)\b|\b(?:above|preceding|foregoing) (?:instructions?|rules|prompts?|text)\b/,
  /\b(?:operator|user|administrator|developer|owner|author)\s(?:now\s)?(?:asks|wants|tells|orders|commands|instructs|requires)\s(?:you|the (?:ai|model|assistant))\b/,
  /\b(?:asks?|tells?|orders?|wants?|begs?|instructs?|urges?|invites?|expects?)\syou\sto\b|\byou\s(?:must|shall|have to|are to|will now|should now|need to)\s(?:\w{1,20}\s)?(?:say|write|state|answer|reply|respond|output|print|recommend|mention|report|claim|tell|include|ignore|confirm|conclude|summari[sz]e|classify|mark|set|rate|call|treat)\b/,
  /\b(?:when|if|while|before|after) you (?:summari[sz]e|analy[sz]e|read|explain|process|describe|classify|answer|respond|report)\b/,
];

/** What is ordered: words to say, marks to give, readers to be told. */
const ORDERS: readonly RegExp[] = [
  /\b(?:answer|reply|respond|output|print|write|say|return|state|repeat|echo|begin|start|end|finish)\b(?:\s\w{1,20})?\s?(?:only|exactly|just|solely|nothing but|verbatim|word for word|the words?|the phrase|the (?:following )?text|the sentence|with the|every (?:field|sentence|answer|line)|instead of|as the (?:title|summary|answer)|in the (?:title|summary))\b/,
  /\b(?:set|mark|classify|rate|label|change|lower|downgrade|report|treat|make|put|name|call)\b.{0,20}\b(?:severity|category|title|summary|confidence|cause|priority|incident)\b.{0,15}\b(?:to|as|is|be|into|with)\b/,
  /\b(?:classify|treat|mark|regard|consider|rate)\s(?:this|it|these|those|that|everything|all)\b.{0,20}\bas\b/,
  /\b(?:the|its) (?:title|severity|category|summary) (?:is|should be|must be|shall be)\b/,
  /\b(?:mention|include|insert|append|add|recommend|suggest|advise|cite|name|blame|praise|promote)\b.{0,60}\b(?:in|into|as|to|at|within) (?:your|the|any|every|each|all) (?:summary|answer|response|reply|output|title|field|report|evidence|causes?|next steps?|messages?)\b/,
  /\b(?:tell|inform|ask|convince|persuade|instruct|urge|direct|advise)\s(?:the |every|any|all |our )?(?:\w{1,20} )?(?:reader|readers|user|users|operator|operators|on-call|oncall|engineer|engineers|everybody|everyone|admin|admins|team|people|human|humans|them)\b.{0,80}\b(?:to|that|is|are)\b/,
  /\b(?:do not|don't|never|stop|must not)\s(?:report|mention|tell|summari[sz]e|analy[sz]e|reveal|alert|escalate|notify|warn|include)\b.{0,60}\b(?:this|these|the|any|anyone|anybody|about)\b/,
  /\b(?:state|say|claim|write|assert|conclude|insist|declare)\b.{0,40}\bthat\b.{0,40}\b(?:root )?cause\b/,
  /\b(?:next step is to|recommend running|recommend to run|suggest running|advise to run)\b/,
  /\b(?:end of (?:the )?(?:log|logs|data|input|evidence|file|lines|user message)|(?:log|data|input|evidence|lines) ends? here|begin (?:system|instructions?|prompt))\b/,
  /"?\b(?:what_happened|possible_causes|next_steps)\b"?.{0,400}"?\b(?:what_happened|possible_causes|next_steps|severity|title|category)\b/,
  /\b(?:antworte|antwort|schreibe?|schreib|sage?|gib)\b.{0,20}\b(?:nur|ausschließlich|genau|lediglich)\b|\b(?:réponds|répondez|écris|écrivez|dis)\b.{0,20}\b(?:uniquement|seulement|exactement)\b|\b(?:responde|responda|contesta|escribe|escreva|di)\b.{0,20}\b(?:solo|sólo|solamente|únicamente|apenas|somente)\b|\b(?:rispondi|scrivi)\b.{0,20}\b(?:solo|soltanto|solamente)\b|\b(?:antwoord|schrijf|zeg)\b.{0,20}\b(?:alleen|slechts|enkel)\b|\bsvara\b.{0,20}\b(?:bara|endast)\b|\bodpowiedz\b.{0,20}\btylko\b|\bodpověz\b.{0,20}\bpouze\b|\bjawab\b.{0,20}\bhanya\b/,
  /(?:ответь|отвечай|напиши|скажи|відповідай|напиши).{0,20}(?:только|лишь|лише|тільки)|只(?:回答|回复|輸出|输出|写|說|说)|とだけ(?:答え|出力|書|言)|만 ?(?:대답|출력|답|말)|(?:أجب|اكتب|قل) فقط|ענה רק|केवल.{0,30}(?:उत्तर|लिख)|chỉ (?:trả lời|viết|nói)|yalnızca.{0,30}(?:yaz|yanıtla|söyle)/,
];

const PATTERNS: readonly RegExp[] = [...OVERRIDES, ...ADDRESSES, ...ORDERS];

/** Whether a line, or what it holds in another encoding, speaks to a model rather than of a system. Linear in its length. */
export function readsLikeInstructions(line: string): boolean {
  return formsOf(line).some((form) => PATTERNS.some((pattern) => pattern.test(form)));
}
