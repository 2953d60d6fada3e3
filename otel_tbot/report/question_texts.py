"""The questions that a report answers, in order; the page and the Grafana boards share them."""

PRODUCT = {
    "releases": "Which releases are started?",
    "join_methods": "Which join methods deserve work first?",
    "movement": "Which join methods come and go?",
    "destinations": "What do they fetch credentials for?",
    "helpers": "Which helpers start tbot?",
    "platforms": "Which platforms does it run on?",
}
OPERATOR = {
    "per_day": "How many starts a day?",
    "bursts": "Did something restart again and again?",
    "old_releases": "Who lags behind?",
    "hours": "When do one-shot starts come?",
    "new": "What is new in the last four weeks?",
}
