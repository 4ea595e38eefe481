"""The page's example questions, four of the best of the gold questions' `dev` half; a test asks them all."""

__all__ = ["EXAMPLES"]

# A question with the follow-up that the page offers after its answer, or "".
EXAMPLES = {
    "What does the Chatham House Rule allow and forbid?": "",
    "Who were the two envoys of the India-Pakistan back channel on Kashmir under Musharraf and Manmohan Singh?": "",
    "When and where was CSCAP established?": "",
    "Who founded the Dartmouth Conference?": "And how many full plenary meetings were held before 1991?",
}
