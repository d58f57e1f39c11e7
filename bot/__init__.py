"""The chatbot door into the same dialogs, as custom actions of Rasa."""
