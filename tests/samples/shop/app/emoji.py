"""Cheerful output."""

def celebrate():  # 🎉🎉 celebrate
    return "🎉"


class Fête: naive = 0; celebration_mood = "🥳"
