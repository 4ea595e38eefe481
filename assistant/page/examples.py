"""The page's example questions, four of the best of the gold questions' `dev` half; a test asks them all."""

__all__ = ["EXAMPLES"]

# A question with the follow-up that the page offers after its answer, or "".
EXAMPLES = {
    "Define back-channel negotiation.": "",
    "Who were the two envoys of the India-Pakistan back channel on Kashmir under Musharraf and Manmohan Singh?": "",
    "When and where was CSCAP established?": "",
    "Was there any truce in Aceh before the agreement of 2005?": "Which countries sent people to watch over it?",
}
